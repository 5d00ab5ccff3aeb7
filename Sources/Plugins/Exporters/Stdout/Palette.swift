// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import WeirKit

/// Colours, or none.
package enum Palette: Sendable {
    case plain, colors

    package enum Style: Sendable {
        case header
        case quiet
        /// By the name of a `TrafficScope`.
        case scope(String)
    }

    package func paint(_ text: String, _ style: Style) -> String {
        guard self == .colors, let code = code(style) else { return text }
        return "\u{1B}[\(code)m\(text)\u{1B}[0m"
    }

    /// The 16 colours that every terminal has, in the user's own shades: the dearer the wire, the warmer.
    private func code(_ style: Style) -> String? {
        switch style {
        case .header: return "1"
        case .quiet: return "2"
        case .scope(let name):
            switch TrafficScope.allCases.first(where: { $0.name == name }) {
            case .internet: return "31"
            case .interRegion: return "35"
            case .interZone: return "33"
            case .sameZone: return "32"
            case .private, .cloudService: return "36"
            case .sameHost, .multicast, .unknown: return "2"
            case nil: return nil
            }
        }
    }
}
