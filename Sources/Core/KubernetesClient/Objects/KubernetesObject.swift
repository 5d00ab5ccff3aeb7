// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// A kind of object of which this module keeps the fields that Weir needs.
package protocol KubernetesObject: Sendable {
    /// What names the object, and what all kinds have.
    var meta: ObjectMeta { get }
}
