// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// The one table of names: what each attribute is called by each profile, whether its values are other ones, and which attributes a
/// metric has when nobody chose. `docs/naming.md` shows it, and a test compares the two.
///
/// Sources: Beyla 3.32 and OBI 0.12, `pkg/export/attributes/attr_defs.go` (names and what is on by default) and `record_getters.go`
/// (values); OpenTelemetry's draft `model/network.flow` (semantic conventions, pull requests 3656 and 3828), and for what the draft
/// leaves out the registered attribute (`cloud.region`, `host.id`) or Weir's own behind the draft's `source.` and `destination.`.
///
/// `<end>` stands for `src` and `dst`, `<side>` for `source` and `destination`, `<peer>` for nothing and `peer.`. An attribute that has
/// no row keeps its name under every profile. The order is that of attributes which are on by default; each is on only where it can
/// be answered.
package enum NamingTable {
    // swift-format-ignore
    package static let rows: [Row] = [
        //  Weir                               Beyla                                                         OpenTelemetry
        Row(.on(.all, "<end>.owner.name"),     .standIn(.flows, "k8s.<end>.owner.name", .noStrangers),       "<side>.owner.name"),
        Row("<end>.owner.type",                .standIn(.flows, "k8s.<end>.owner.type"),                     "<side>.owner.type"),
        Row("k8s.<end>.owner.name",            .on(.flows, "k8s.<end>.owner.name"),                          "<side>.k8s.owner.name"),
        Row("k8s.<end>.owner.type",            .on(.flows, "k8s.<end>.owner.type"),                          "<side>.k8s.owner.type"),
        Row(.on(.all, "k8s.<end>.namespace"),  .on(.flows, "k8s.<end>.namespace"),                           .on(.all, "<side>.k8s.namespace.name")),
        Row("k8s.<end>.name",                  "k8s.<end>.name",                                             "<side>.k8s.pod.name"),
        Row("k8s.<end>.type",                  "k8s.<end>.type",                                             "<side>.k8s.resource.type"),
        Row("k8s.<end>.node.name",             "k8s.<end>.node.name",                                        "<side>.k8s.node.name"),
        Row("k8s.<end>.node.ip",               "k8s.<end>.node.ip",                                          "<side>.k8s.node.ip"),
        Row("k8s.<end>.pod.uid",               "k8s.<end>.pod.uid",                                          "<side>.k8s.pod.uid"),
        Row("k8s.cluster.name",                .on(.all, "k8s.cluster.name"),                                .on(.all, "k8s.cluster.name")),
        Row("<end>.service.name",              "service.<peer>name",                                         "<side>.service.name"),
        Row("<end>.service.namespace",         "service.<peer>namespace",                                    "<side>.service.namespace"),
        Row(.on(.all, "<end>.zone"),           .on(.zones, "<end>.zone"),                                    .on(.all, "<side>.cloud.availability_zone")),
        Row("<end>.zone.id",                   "<end>.zone.id",                                              "<side>.zone.id"),
        Row("<end>.region",                    "<end>.region",                                               "<side>.cloud.region"),
        Row("<end>.cloud.provider",            "<end>.cloud.provider",                                       "<side>.cloud.provider"),
        Row("<end>.cloud.account.id",          "<end>.cloud.account.id",                                     "<side>.cloud.account.id"),
        Row("<end>.host.id",                   "<end>.host.id",                                              "<side>.host.id"),
        Row("<end>.host.type",                 "<end>.host.type",                                            "<side>.host.type"),
        Row("<end>.cidr",                      .on(.flows, "<end>.cidr"),                                    "<side>.cidr"),
        Row("<end>.name",                      "<end>.name",                                                 "<side>.name"),
        Row("<end>.dns.name",                  "<end>.dns.name",                                             "<side>.dns.name"),
        Row("<end>.address",                   "<end>.address",                                              "<side>.address"),
        Row("<end>.port",                      "<end>.port",                                                 "<side>.port"),
        Row("<end>.service.address",           "<end>.service.address",                                      "<side>.service.address"),
        Row("<end>.scope",                     "<end>.scope",                                                "<side>.scope"),
        Row("<end>.covered",                   "<end>.covered",                                              "<side>.covered"),
        Row("client.port",                     "client.port",                                                "client.port"),
        Row("server.port",                     "server.port",                                                "server.port"),
        Row("transport",                       "transport",                                                  .lowerCase("network.transport")),
        Row("network.type",                    "network.type",                                               "network.type"),
        Row("iface",                           "iface",                                                      "network.interface.name"),
        Row("direction",                       .on(.flows, "direction"),                                     "direction"),
        Row("initiator",                       "initiator",                                                  "initiator"),
        Row("initiator.source",                "initiator.source",                                           "initiator.source"),
        Row(.on(.all, "traffic.scope"),        "traffic.scope",                                              "traffic.scope"),
        Row("traffic.scope.reason",            "traffic.scope.reason",                                       "traffic.scope.reason"),
        Row(.on(.all, "observer"),             "observer",                                                   "observer"),
        Row(.on(.all, "sampling.rate"),        .on(.all, "sampling.rate"),                                   .on(.all, "sampling.rate")),
    ]

    /// Attributes of Beyla that Weir has not, and why, to finish "Weir has none: …".
    package static let leftOut: [(name: String, reason: String)] = [
        ("beyla.ip", "Prometheus says in 'instance' who was scraped, OTLP in the resource"),
        ("iface.direction", "a packet is counted at one hook, whichever way it goes there; 'observer' says which end is on this host"),
        ("network.protocol.name", "a port is no protocol; select 'server.port'"),
        ("service.name", "what a table or stage knows as 'src.service.name', 'kubernetes' of a dialled Service, gets this name by 'naming: beyla'"),
        ("service.namespace", "what a stage knows as 'src.service.namespace' gets this name by 'naming: beyla'"),
        ("service.peer.name", "what a stage knows as 'dst.service.name' gets this name by 'naming: beyla'"),
        ("service.peer.namespace", "what a stage knows as 'dst.service.namespace' gets this name by 'naming: beyla'"),
        ("src.country", "there is no GeoIP stage; a table of 'cidr' can say it"),
        ("dst.country", "there is no GeoIP stage; a table of 'cidr' can say it"),
        ("src.asn", "there is no GeoIP stage; a table of 'cidr' can say it"),
        ("dst.asn", "there is no GeoIP stage; a table of 'cidr' can say it"),
    ]
}
