// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

/// The name under which DNS keeps the names of an address: `4.0.0.10.in-addr.arpa`, or 32 digits under `ip6.arpa`.
public enum PointerName {
    public static func text(of address: IPAddress) -> String {
        var text = ""
        if address.isIPv4 {
            for byte in 0..<4 { text += "\(address.low >> UInt64(8 * byte) & 255)." }
            return text + "in-addr.arpa"
        }
        for half in [address.low, address.high] {
            for digit in 0..<16 { text += String(half >> UInt64(4 * digit) & 15, radix: 16) + "." }
        }
        return text + "ip6.arpa"
    }
}
