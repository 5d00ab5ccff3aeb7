// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

/// Objects as real clusters have them: several KiB a pod, most of it of no use to Weir.
package enum FakeObjects {
    /// The text of `managedFields` of a pod, as an API server of 1.30 writes it for one container.
    static let managedFields = #"""
        "managedFields":[{"manager":"kube-controller-manager","operation":"Update","apiVersion":"v1","time":"2026-01-02T03:04:05Z",\#
        "fieldsType":"FieldsV1","fieldsV1":{"f:metadata":{"f:annotations":{".":{},"f:checksum/config":{},"f:prometheus.io/port":{},\#
        "f:prometheus.io/scrape":{}},"f:generateName":{},"f:labels":{".":{},"f:app.kubernetes.io/instance":{},"f:app.kubernetes.io/name":{},\#
        "f:app.kubernetes.io/team":{},"f:pod-template-hash":{}},"f:ownerReferences":{".":{},"k:{\"uid\":\"5c1a0d3e-7b54-4a8e-9c9b-0d8f5a5e3c11\"}":{}}},\#
        "f:spec":{"f:affinity":{},"f:containers":{"k:{\"name\":\"server\"}":{".":{},"f:args":{},"f:env":{".":{},"k:{\"name\":\"GOMAXPROCS\"}":{".":{},\#
        "f:name":{},"f:valueFrom":{".":{},"f:resourceFieldRef":{}}},"k:{\"name\":\"POD_IP\"}":{".":{},"f:name":{},"f:valueFrom":{".":{},\#
        "f:fieldRef":{}}}},"f:image":{},"f:imagePullPolicy":{},"f:livenessProbe":{".":{},"f:failureThreshold":{},"f:httpGet":{".":{},\#
        "f:path":{},"f:port":{},"f:scheme":{}},"f:periodSeconds":{},"f:successThreshold":{},"f:timeoutSeconds":{}},"f:name":{},\#
        "f:ports":{".":{},"k:{\"containerPort\":8080,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},"f:name":{},"f:protocol":{}}},\#
        "f:readinessProbe":{".":{},"f:failureThreshold":{},"f:httpGet":{".":{},"f:path":{},"f:port":{},"f:scheme":{}},"f:periodSeconds":{},\#
        "f:successThreshold":{},"f:timeoutSeconds":{}},"f:resources":{".":{},"f:limits":{".":{},"f:memory":{}},"f:requests":{".":{},\#
        "f:cpu":{},"f:memory":{}}},"f:securityContext":{".":{},"f:allowPrivilegeEscalation":{},"f:capabilities":{".":{},\#
        "f:drop":{}},"f:readOnlyRootFilesystem":{}},"f:terminationMessagePath":{},"f:terminationMessagePolicy":{},"f:volumeMounts":{".":{},\#
        "k:{\"mountPath\":\"/etc/config\"}":{".":{},"f:mountPath":{},"f:name":{},"f:readOnly":{}}}}},"f:dnsPolicy":{},"f:enableServiceLinks":{},\#
        "f:restartPolicy":{},"f:schedulerName":{},"f:securityContext":{},"f:serviceAccount":{},"f:serviceAccountName":{},\#
        "f:terminationGracePeriodSeconds":{},"f:topologySpreadConstraints":{},"f:volumes":{".":{},"k:{\"name\":\"config\"}":{".":{},\#
        "f:configMap":{".":{},"f:defaultMode":{},"f:name":{}},"f:name":{}}}}}},{"manager":"kubelet","operation":"Update",\#
        "apiVersion":"v1","time":"2026-01-02T03:04:15Z","fieldsType":"FieldsV1","fieldsV1":{"f:status":{"f:conditions":{"k:{\"type\":\"ContainersReady\"}":{".":{},\#
        "f:lastProbeTime":{},"f:lastTransitionTime":{},"f:status":{},"f:type":{}},"k:{\"type\":\"Initialized\"}":{".":{},\#
        "f:lastProbeTime":{},"f:lastTransitionTime":{},"f:status":{},"f:type":{}},"k:{\"type\":\"Ready\"}":{".":{},"f:lastProbeTime":{},\#
        "f:lastTransitionTime":{},"f:status":{},"f:type":{}}},"f:containerStatuses":{},"f:hostIP":{},"f:hostIPs":{},"f:phase":{},\#
        "f:podIP":{},"f:podIPs":{".":{},"k:{\"ip\":\"10.0.0.1\"}":{".":{},"f:ip":{}}},"f:startTime":{}}},"subresource":"status"}]
        """#
    static let container = #"""
        {"name":"server","image":"registry.example.org/shop/server:1.42.7","args":["--listen=:8080","--config=/etc/config/server.yaml"],\#
        "ports":[{"name":"http","containerPort":8080,"protocol":"TCP"}],"env":[{"name":"GOMAXPROCS","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu",\#
        "divisor":"0"}}},{"name":"POD_IP","valueFrom":{"fieldRef":{"apiVersion":"v1","fieldPath":"status.podIP"}}}],"resources":{"limits":{"memory":"512Mi"},\#
        "requests":{"cpu":"250m","memory":"256Mi"}},"volumeMounts":[{"name":"config","readOnly":true,"mountPath":"/etc/config"},\#
        {"name":"kube-api-access-x7x2p","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}],"livenessProbe":{"httpGet":{"path":"/healthz",\#
        "port":"http","scheme":"HTTP"},"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3},\#
        "readinessProbe":{"httpGet":{"path":"/readyz","port":"http","scheme":"HTTP"},"timeoutSeconds":1,"periodSeconds":10,\#
        "successThreshold":1,"failureThreshold":3},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File",\#
        "imagePullPolicy":"IfNotPresent","securityContext":{"capabilities":{"drop":["ALL"]},"readOnlyRootFilesystem":true,\#
        "allowPrivilegeEscalation":false}}
        """#

    /// A pod of some 6.5 KiB. Pod `number` runs on node `number % nodes`, belongs to ReplicaSet `number / 20`, and has an address of its own
    /// of each family.
    package static func pod(_ number: Int, nodes: Int, generation: Int = 0) -> FakeObject {
        let workload = number / 20
        let namespace = "team-\(workload % 50)"
        let name = "server-\(workload)-7c9d8f6b5-\(suffix(number))"
        let uid = uid(0xA0, number &+ generation << 32)
        let node = number % max(nodes, 1)
        let address = "10.\(64 + number >> 16 & 63).\(number >> 8 & 255).\(number & 255)"
        let second = "fd00::\(String(number >> 16 & 0xFFFF, radix: 16)):\(String(number & 0xFFFF, radix: 16))"
        let host = "192.168.\(node >> 8 & 255).\(node & 255)"
        let labels = [
            "app.kubernetes.io/name": "server", "app.kubernetes.io/instance": "server-\(workload)", "app.kubernetes.io/team": "team-\(workload % 50)",
            "pod-template-hash": "7c9d8f6b5",
        ]
        let labelText = labels.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\"\($0.value)\"" }.joined(separator: ",")
        let before = """
            {"kind":"Pod","apiVersion":"v1","metadata":{"name":"\(name)","generateName":"server-\(workload)-7c9d8f6b5-","namespace":"\(namespace)",\
            "uid":"\(uid)","resourceVersion":"
            """
        let owner = self.uid(0xB0, workload)
        let after = """
            ","creationTimestamp":"2026-01-02T03:04:05Z","labels":{\(labelText)},"annotations":{"checksum/config":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",\
            "prometheus.io/port":"8080","prometheus.io/scrape":"true","note":"say \\"hello\\" once {and [again"},"ownerReferences":[{"apiVersion":"apps/v1",\
            "kind":"ReplicaSet",\
            "name":"server-\(workload)-7c9d8f6b5","uid":"\(owner)","controller":true,"blockOwnerDeletion":true}],\(managedFields)},\
            "spec":{"volumes":[{"name":"config","configMap":{"name":"server-\(workload)","defaultMode":420}},{"name":"kube-api-access-x7x2p",\
            "projected":{"sources":[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},{"configMap":{"name":"kube-root-ca.crt",\
            "items":[{"key":"ca.crt","path":"ca.crt"}]}},{"downwardAPI":{"items":[{"path":"namespace","fieldRef":{"apiVersion":"v1",\
            "fieldPath":"metadata.namespace"}}]}}],"defaultMode":420}}],\
            "containers":[\(container)],"restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst",\
            "serviceAccountName":"server","serviceAccount":"server",\
            "nodeName":"node-\(node)","securityContext":{},"schedulerName":"default-scheduler","tolerations":[{"key":"node.kubernetes.io/not-ready",\
            "operator":"Exists","effect":"NoExecute","tolerationSeconds":300},{"key":"node.kubernetes.io/unreachable","operator":"Exists",\
            "effect":"NoExecute","tolerationSeconds":300}],"priority":0,"enableServiceLinks":false,"preemptionPolicy":"PreemptLowerPriority"},\
            "status":{"phase":"Running","conditions":[{"type":"Initialized","status":"True","lastProbeTime":null,"lastTransitionTime":"2026-01-02T03:04:05Z"},\
            {"type":"Ready","status":"True","lastProbeTime":null,"lastTransitionTime":"2026-01-02T03:04:15Z"},{"type":"ContainersReady",\
            "status":"True","lastProbeTime":null,"lastTransitionTime":"2026-01-02T03:04:15Z"},{"type":"PodScheduled","status":"True",\
            "lastProbeTime":null,"lastTransitionTime":"2026-01-02T03:04:05Z"}],\
            "hostIP":"\(host)","hostIPs":[{"ip":"\(host)"}],"podIP":"\(address)","podIPs":[{"ip":"\(address)"},{"ip":"\(second)"}],\
            "startTime":"2026-01-02T03:04:05Z",\
            "containerStatuses":[{"name":"server","state":{"running":{"startedAt":"2026-01-02T03:04:10Z"}},"lastState":{},"ready":true,\
            "restartCount":0,"image":"registry.example.org/shop/server:1.42.7","imageID":"registry.example.org/shop/server@sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",\
            "containerID":"containerd://fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9","started":true}],\
            "qosClass":"Burstable"}}
            """
        return FakeObject(
            .pods, namespace: namespace, name: name, uid: uid, labels: labels, nodeName: "node-\(node)", before: Array(before.utf8),
            after: Array(after.utf8))
    }

    /// The ReplicaSet that owns the pods `20 * number` to `20 * number + 19`, controlled by a Deployment.
    package static func replicaSet(_ number: Int) -> FakeObject? {
        FakeObject(
            .object([
                "apiVersion": .text("apps/v1"), "kind": .text("ReplicaSet"),
                "metadata": .object([
                    "namespace": .text("team-\(number % 50)"), "name": .text("server-\(number)-7c9d8f6b5"), "uid": .text(uid(0xB0, number)),
                    "ownerReferences": .list([
                        .object([
                            "apiVersion": .text("apps/v1"), "kind": .text("Deployment"), "name": .text("server-\(number)"),
                            "uid": .text(uid(0xC0, number)),
                            "controller": .bool(true),
                        ])
                    ]),
                ]), "spec": .object(["replicas": .number("20")]),
            ]))
    }

    /// The Service in front of the pods of ReplicaSet `number`.
    package static func service(_ number: Int) -> FakeObject? {
        let addresses = ["10.\(32 + number >> 16 & 31).\(number >> 8 & 255).\(number & 255)", "fd96::\(String(number & 0xFFFF, radix: 16))"]
        return FakeObject(
            .object([
                "apiVersion": .text("v1"), "kind": .text("Service"),
                "metadata": .object([
                    "namespace": .text("team-\(number % 50)"), "name": .text("server-\(number)"), "uid": .text(uid(0xE0, number)),
                ]),
                "spec": .object([
                    "type": .text("ClusterIP"), "clusterIP": .text(addresses[0]), "clusterIPs": .list(addresses.map { .text($0) }),
                    "ports": .list([.object(["name": .text("http"), "port": .number("80"), "targetPort": .number("8080")])]),
                ]), "status": .object(["loadBalancer": .object([])]),
            ]))
    }

    /// A node in one of three zones.
    package static func node(_ number: Int) -> FakeObject? {
        FakeObject(
            .object([
                "apiVersion": .text("v1"), "kind": .text("Node"),
                "metadata": .object([
                    "name": .text("node-\(number)"), "uid": .text(uid(0xD0, number)),
                    "labels": .object([
                        "kubernetes.io/hostname": .text("node-\(number)"), "topology.kubernetes.io/region": .text("eu-west-1"),
                        "topology.kubernetes.io/zone": .text("eu-west-1\(["a", "b", "c"][number % 3])"),
                    ]),
                ]), "spec": .object(["providerID": .text("aws:///eu-west-1/i-\(number)"), "podCIDR": .text("10.\(number & 255).0.0/16")]),
                "status": .object([
                    "addresses": .list([
                        .object(["type": .text("InternalIP"), "address": .text("192.168.\(number >> 8 & 255).\(number & 255)")]),
                        .object(["type": .text("Hostname"), "address": .text("node-\(number)")]),
                    ])
                ]),
            ]))
    }

    /// Like an uuid: the same number, the same uid.
    private static func uid(_ kind: UInt8, _ number: Int) -> String {
        var mixed = UInt64(bitPattern: Int64(number)) &* 0x9E37_79B9_7F4A_7C15
        mixed ^= mixed >> 29
        let text = String(mixed | 1 << 63, radix: 16) + String(UInt64(truncatingIfNeeded: number) | 1 << 63, radix: 16)
        let digits = Array(text)
        return
            "\(String(kind, radix: 16))\(String(digits[2..<8]))-\(String(digits[8..<12]))-4\(String(digits[12..<15]))-8\(String(digits[16..<19]))-\(String(digits[20..<32]))"
    }

    /// Five letters, as ReplicaSets name their pods.
    private static func suffix(_ number: Int) -> String {
        let letters = Array("bcdfghjklmnpqrstvwxz2456789")
        var rest = number
        return String(
            (0..<5).map { _ in
                defer { rest /= letters.count }
                return letters[rest % letters.count]
            })
    }
}
