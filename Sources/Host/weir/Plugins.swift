// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import CIDREnricher
import JSONLinesExporter
import LocalOwnerEnricher
import PrometheusExporter
import StdoutExporter
import WeirKit

/// What this program contains, in one place. To add a plugin, add its line here and in Package.swift.
let plugins = [
    PluginEntry(.enrich, CIDRPlugin.self),
    PluginEntry(.enrich, LocalOwnerPlugin.self),
    PluginEntry(.export, PrometheusPlugin.self),
    PluginEntry(.export, JSONLinesPlugin.self),
    PluginEntry(.export, StdoutPlugin.self),
]
