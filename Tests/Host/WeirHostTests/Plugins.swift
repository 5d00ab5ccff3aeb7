// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CIDREnricher
internal import JSONLinesExporter
internal import LocalOwnerEnricher
internal import PrometheusExporter
internal import StdoutExporter
internal import WeirKit

/// The same list as the program's; a test compares the two.
let plugins = [
    PluginEntry(.enrich, CIDRPlugin.self),
    PluginEntry(.enrich, LocalOwnerPlugin.self),
    PluginEntry(.export, PrometheusPlugin.self),
    PluginEntry(.export, JSONLinesPlugin.self),
    PluginEntry(.export, StdoutPlugin.self),
]
