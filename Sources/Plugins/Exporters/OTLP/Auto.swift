// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

public import WeirKit

/// An option that the environment decides where the configuration does not: `auto`, or a value that wins over the environment.
public enum Auto<Value: ConfigValue & Equatable>: ConfigValue, Equatable {
    case auto
    case written(Value)

    public init?(configText: String) {
        if configText == "auto" {
            self = .auto
        } else if let value = Value(configText: configText) {
            self = .written(value)
        } else {
            return nil
        }
    }

    public static var example: String { "auto or \(Value.example)" }

    public var configText: String {
        switch self {
        case .auto: "auto"
        case .written(let value): value.configText
        }
    }

    var value: Value? {
        switch self {
        case .auto: nil
        case .written(let value): value
        }
    }
}

extension ConfigSection {
    /// As `read(_:into:in:)`, for what may also be `auto`.
    mutating func read<Value: ConfigValue & Comparable>(_ key: String, into value: inout Auto<Value>, in range: ClosedRange<Value>) {
        guard let node = take(key), let found: Auto<Value> = scalar(node) else { return }
        if let written = found.value, !range.contains(written) {
            return note(
                .outOfRange, "\(key) is auto, or from \(range.lowerBound.configText) to \(range.upperBound.configText)", at: node.position)
        }
        value = found
    }
}
