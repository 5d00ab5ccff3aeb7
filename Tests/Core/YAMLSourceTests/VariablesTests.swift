// SPDX-FileCopyrightText: The Weir authors
// SPDX-License-Identifier: Apache-2.0

import Testing
import WeirKit
import YAMLSource

@Suite("Variables are filled into values")
struct VariablesTests {
    private func expand(_ text: String) -> (text: String, problems: [String]) {
        let problems = ConfigProblems()
        let place = ConfigPosition(file: "f.yaml", line: 3, column: 7)
        let node = YAMLSource.expand(
            ConfigNode(.scalar(text), at: place), environment: ["ZONE": "eu-1a", "EMPTY": "", "NESTED": "${ZONE}"], problems: problems)
        return (node.text ?? "", problems.all.map { "\($0.kind) \($0.position.line):\($0.position.column) \($0.message)" })
    }

    @Test(
        "names, defaults and dollars",
        arguments: [
            ("no variable", "no variable"), ("${ZONE}", "eu-1a"), ("a-${ZONE}-b${ZONE}", "a-eu-1a-beu-1a"), ("${EMPTY}", ""),
            ("${NONE:-x y}", "x y"), ("${NONE:-}", ""), ("${EMPTY:-full}", "full"), ("${ZONE:-other}", "eu-1a"),
            ("$${ZONE}", "${ZONE}"), ("$$", "$"), ("^web$", "^web$"), ("a$|b$)", "a$|b$)"), ("5 $", "5 $"),
            ("${NESTED}", "${ZONE}"), ("${NONE:-a$b}", "a$b"),
        ])
    func values(text: String, expected: String) {
        let found = expand(text)
        #expect(found.text == expected)
        #expect(found.problems == [])
    }

    @Test(
        "what cannot be filled in is told at the value",
        arguments: [
            ("${NONE}", "unsetVariable 3:7 the variable NONE is not set; ${NONE:-default} would give a default"),
            ("${ZONE", "badVariable 3:7 '${ZONE' has no closing '}'; write $$ for a dollar"),
            ("${}", "badVariable 3:7 '${}' is not ${NAME} or ${NAME:-default}; write $$ for a dollar"),
            ("${1A}", "badVariable 3:7 '${1A}' is not ${NAME} or ${NAME:-default}; write $$ for a dollar"),
            ("${ZONE-x}", "badVariable 3:7 '${ZONE-x}' is not ${NAME} or ${NAME:-default}; write $$ for a dollar"),
            ("$ZONE", "badVariable 3:7 '$ZONE' lacks its braces: write ${ZONE}, or $$ZONE for the text itself"),
        ])
    func problems(text: String, expected: String) { #expect(expand(text).problems == [expected]) }

    @Test("values at any depth are filled, keys are not")
    func tree() {
        let problems = ConfigProblems()
        let node = YAMLSource.parse(Array("${A}: [{ b: '${A}' }]\n".utf8), file: "f", problems: problems)
        let found = node.map { YAMLSource.expand($0, environment: ["A": "1: &x"], problems: problems) }
        #expect(plain(found) == "{${A}: [{b: '1: &x'}]}")
        #expect(problems.count == 0)
    }
}
