// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// An object of any resource of which only the metadata is asked for (`PartialObjectMetadata`), so that the server sends no more.
/// What it is (`ReplicaSet`, `apps/v1`) does not stand in the answer: it is the resource that was asked for.
package struct PartialObject: KubernetesObject, Hashable {
    package var meta: ObjectMeta

    package init(_ meta: ObjectMeta) { self.meta = meta }
}
