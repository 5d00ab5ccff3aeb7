// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// The numbers under which the scanner hands out what is wanted of lists, events and objects.
enum Field {
    // Around the objects.
    static let itemEnd = 0, listVersion = 1, continueToken = 2, eventType = 3
    // Of a `Status`, which an answer or an event holds in place of an object.
    static let code = 4, reason = 5, message = 6, retryAfter = 7
    // Of every object.
    static let uid = 8, namespace = 9, name = 10, resourceVersion = 11, deletion = 12
    static let ownerVersion = 13, ownerKind = 14, ownerName = 15, ownerUID = 16, ownerIsController = 17, ownerEnd = 18
    // Of pods.
    static let nodeName = 19, hostNetwork = 20, phase = 21, hostAddress = 22, hostAddresses = 23, podAddress = 24, podAddresses = 25, start = 26
    // Of nodes.
    static let nodeAddressKind = 27, nodeAddress = 28, nodeAddressEnd = 29, podRange = 30, podRanges = 31, providerID = 32
    // Of services.
    static let serviceKind = 33, clusterAddress = 34, clusterAddresses = 35, externalAddress = 36, ingressAddress = 37
    static let staticUID = 38
    // Of nodes and services.
    static let creation = 41
    // Of files of objects.
    static let kind = 39, time = 40
    /// The first of the labels that were asked for; the others follow.
    static let firstLabel = 64
}
