// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import CIDREnricher
internal import CloudInstanceEnricher
internal import JSONLinesExporter
internal import KubernetesEnricher
internal import LocalOwnerEnricher
internal import NodeZoneEnricher
internal import OTLPExporter
internal import PrometheusExporter
internal import ReverseDNSEnricher
internal import StdoutExporter
public import WeirKit

/// What `weir` contains, in one place. To add a plugin, add its line here and in Package.swift. An agent of one's own takes this list,
/// or a part of it, beside its own plugins.
public let builtInPlugins: [PluginEntry] = [
    PluginEntry(.enrich, CIDRPlugin.self),
    PluginEntry(.enrich, LocalOwnerPlugin.self),
    PluginEntry(.enrich, KubernetesPlugin.self),
    PluginEntry(.enrich, NodeZonePlugin.self),
    PluginEntry(.enrich, ReverseDNSPlugin.self),
    PluginEntry(.enrich, CloudInstancePlugin.self),
    PluginEntry(.export, PrometheusPlugin.self),
    PluginEntry(.export, JSONLinesPlugin.self),
    PluginEntry(.export, StdoutPlugin.self),
    PluginEntry(.export, OTLPPlugin.self),
]
