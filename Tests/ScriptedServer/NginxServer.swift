// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// nginx with a configuration of the test's own, on ports of loopback that were free: a real server, a terminator of TLS, a proxy.
/// Ends with its last reference, and by itself after ten minutes.
package final class NginxServer: Sendable {
    /// In the order of their numbers.
    package let ports: [UInt16]
    package let folder: TestFolder
    private let program: TestProgram
    private let isStopped = Atomic(false)

    /// `servers` gets the ports and the folder's path, and gives what stands inside `http { }`. Throws when nginx is not installed or
    /// refuses the configuration, with its words.
    package init(ports count: Int, _ servers: (_ ports: [UInt16], _ folder: String) -> String) throws {
        folder = try TestFolder()
        // Between our look for free ports and nginx's use of them somebody else may take one: then once more.
        var attempt = 1
        while true {
            let ports = try Sockets.freePorts(count)
            try folder.write(Self.configuration(folder.path, servers(ports, folder.path)), to: "nginx.conf")
            let program = try TestProgram(
                ["nginx", "-p", folder.path, "-e", "error.log", "-c", "nginx.conf"], package: "nginx-light", log: "\(folder.path)/nginx.log")
            while !program.hasEnded() {
                if ports.allSatisfy({ Sockets.isListening(on: $0) }) {
                    self.ports = ports
                    self.program = program
                    return
                }
                usleep(2000)
            }
            let said = String(decoding: folder.read("error.log") + folder.read("nginx.log"), as: UTF8.self)
            guard said.contains("Address already in use"), attempt < 5 else { throw ServerError(description: "start nginx: \(said)") }
            attempt += 1
        }
    }

    deinit { stop() }

    /// Ends it, connections and all.
    package func stop() {
        // Once: after that the number may be another program's.
        guard !isStopped.exchange(true, ordering: .relaxed) else { return }
        program.terminate()
        _ = program.wait()
    }

    /// The lines of its access log: `GET / HTTP/1.1|200|` and the client's certificate's subject.
    package var accesses: [String] { String(decoding: folder.read("access.log"), as: UTF8.self).split(separator: "\n").map(String.init) }

    private static func configuration(_ folder: String, _ servers: String) -> String {
        """
        daemon off;
        master_process off;
        pid \(folder)/nginx.pid;
        events { worker_connections 2048; }
        http {
            log_format test '$request|$status|$ssl_client_s_dn';
            access_log \(folder)/access.log test;
            client_body_temp_path \(folder)/body;
            proxy_temp_path \(folder)/proxy;
            fastcgi_temp_path \(folder)/fastcgi;
            uwsgi_temp_path \(folder)/uwsgi;
            scgi_temp_path \(folder)/scgi;
        \(servers)
        }

        """
    }
}
