// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import WeirKit

/// What this agent has beside the built-in plugins.
public let inHousePlugins: [PluginEntry] = [
    PluginEntry(.enrich, TeamInventoryPlugin.self),
    PluginEntry(.export, CSVReportPlugin.self),
]
