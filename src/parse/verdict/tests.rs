use proptest::prelude::*;

use super::*;

/// What a text's verdict comes to, in a word.
fn word(text: &str) -> &'static str {
    match verdict(text) {
        None => "none",
        Some(Verdict::ZeroIssues) => "zero",
        Some(Verdict::Issues { severity: Severity::Low, .. }) => "low",
        Some(Verdict::Issues { severity: Severity::Medium, .. }) => "medium",
        Some(Verdict::Issues { severity: Severity::High, .. }) => "high",
        Some(Verdict::Issues { severity: Severity::Critical, .. }) => "critical",
    }
}

fn findings(text: &str) -> String {
    match verdict(text) {
        Some(Verdict::Issues { findings, .. }) => findings,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn marks_in_every_dress() {
    for (line, expected) in [
        ("ZERO ISSUES", "zero"),
        ("zero issues", "zero"),
        ("[ZERO ISSUES]", "zero"),
        ("**ZERO ISSUES**", "zero"),
        ("**[Zero Issues]**", "zero"),
        ("## ✅ ZERO ISSUES!", "zero"),
        ("`ZERO  ISSUES`", "zero"),
        ("- ZERO ISSUES FOUND.", "zero"),
        ("Verdict: ZERO ISSUES", "zero"),
        ("**Final review result:** ZERO ISSUES", "zero"),
        ("The code is fine. [ZERO ISSUES]", "zero"),
        ("| 4-1 | [ZERO ISSUES] |", "zero"),
        ("ZERO ISSUES\r", "zero"),
        ("HIGHEST SEVERITY: NONE", "zero"),
        ("HIGHEST SEVERITY: ZERO", "zero"),
        ("HIGHEST SEVERITY: CRITICAL", "critical"),
        ("highest severity: high", "high"),
        ("**HIGHEST SEVERITY: MEDIUM**", "medium"),
        ("**HIGHEST SEVERITY:** LOW", "low"),
        ("**Highest Severity**: `Low`", "low"),
        ("[HIGHEST SEVERITY: HIGH]", "high"),
        ("HIGHEST SEVERITY: [HIGH]", "high"),
        ("### HIGHEST  SEVERITY : HIGH (2 findings)", "high"),
        ("Three things. [HIGHEST SEVERITY: LOW]", "low"),
        ("Result: HIGHEST SEVERITY: HIGH", "high"),
    ] {
        assert_eq!(word(line), expected, "{line}");
        assert_eq!(
            word(&format!("I looked at it.\n\n{line}\n\nThat is all.\n")),
            expected,
            "{line}"
        );
    }
}

#[test]
fn talk_about_marks_is_none() {
    for line in [
        "I will print ZERO ISSUES when there is nothing to find",
        "If nothing is found, print [ZERO ISSUES]",
        "When done, end with [ZERO ISSUES].",
        "Print [HIGHEST SEVERITY: HIGH]",
        "\"ZERO ISSUES\"",
        "“ZERO ISSUES”",
        "> ZERO ISSUES",
        "> HIGHEST SEVERITY: HIGH",
        "There are not [ZERO ISSUES]",
        "NOT ZERO ISSUES",
        "ZERO ISSUES?",
        "ZERO ISSUES only if nothing is left",
        "ZEROISSUES",
        "NONZERO ISSUES",
        "To do: ZERO ISSUES",
        "If clean: ZERO ISSUES",
        "HIGHEST SEVERITY: CRITICAL|HIGH|MEDIUM|LOW",
        "HIGHEST SEVERITY: CRITICAL or HIGH",
        "HIGHEST SEVERITY: [CRITICAL/HIGH/MEDIUM/LOW]",
        "HIGHEST SEVERITY: <level>",
        "HIGHEST SEVERITY:",
        "HIGHEST SEVERITY: BLOCKER",
        "HIGHEST SEVERITY: HIGHER",
        "The HIGHEST SEVERITY: HIGH",
        "No verdict at all",
        "",
    ] {
        assert_eq!(word(line), "none", "{line}");
    }
}

#[test]
fn the_last_review_counts() {
    for (text, expected) in [
        ("HIGHEST SEVERITY: HIGH\n\nI mended it.\n\nZERO ISSUES", "zero"),
        ("ZERO ISSUES\n\nBut wait, there is one.\n\nHIGHEST SEVERITY: MEDIUM", "medium"),
        ("HIGHEST SEVERITY: LOW\nthen\nHIGHEST SEVERITY: HIGH", "high"),
        ("HIGHEST SEVERITY: CRITICAL\nmended\nHIGHEST SEVERITY: LOW", "low"),
        // Of marks with nothing between them the worse one counts.
        ("ZERO ISSUES\nHIGHEST SEVERITY: HIGH", "high"),
        ("HIGHEST SEVERITY: HIGH\n\n[ZERO ISSUES]", "high"),
        ("HIGHEST SEVERITY: HIGH\nHIGHEST SEVERITY: LOW", "high"),
        ("ZERO ISSUES\nHIGHEST SEVERITY: NONE", "zero"),
        ("HIGHEST SEVERITY: ZERO\nZERO ISSUES", "zero"),
        ("ZERO ISSUES\nHIGHEST SEVERITY: BLOCKER", "none"),
        ("HIGHEST SEVERITY: HIGH\n[CRITICAL-ISSUES-FOUND: NO]\nZERO ISSUES", "high"),
        // What cannot be read does not let an older word stand.
        ("ZERO ISSUES\n\nOnce more:\n\nHIGHEST SEVERITY: BLOCKER", "none"),
        // Talk afterwards changes nothing.
        ("HIGHEST SEVERITY: HIGH\n\nNext time I hope to print ZERO ISSUES when I am done.", "high"),
        ("ZERO ISSUES\n\n> HIGHEST SEVERITY: HIGH\n\nwas said before.", "zero"),
    ] {
        assert_eq!(word(text), expected, "{text}");
    }
}

#[test]
fn reviews_that_found_the_same_are_equal() {
    let one = "Let me look at src/a.ts first.\n\n## Findings (2)\n\n1. **HIGH** `src/a.ts:12`: the handle leaks\n2. **LOW** typo in line 40\n\nHIGHEST SEVERITY: HIGH\n";
    let two = "Now the third look.\r\n\r\n## FINDINGS (2)\r\n- HIGH src/a.ts:17 - The handle  leaks\r\n- [LOW] Typo in lines 44-45\r\n\r\n**HIGHEST SEVERITY: HIGH**\r\n[CRITICAL-ISSUES-FOUND: NO]";
    assert_eq!(findings(one), findings(two));
    assert_eq!(findings(one), "findings\nhigh src a ts the handle leaks\nlow typo in");
    // Only the last review counts, and other findings are others.
    assert_eq!(findings(&format!("- old\n\nHIGHEST SEVERITY: LOW\n\n{one}")), findings(one));
    assert_ne!(
        findings(one),
        findings("1. HIGH src/b.ts: the handle leaks\n\nHIGHEST SEVERITY: HIGH")
    );
    // The mark may come first; a review may be prose.
    assert_eq!(findings("HIGHEST SEVERITY: LOW\n- A typo"), "a typo");
    assert_eq!(
        findings("There is a typo in utf8.ts.\nHIGHEST SEVERITY: LOW"),
        "there is a typo in utf8 ts"
    );
    assert_eq!(findings("HIGHEST SEVERITY: LOW"), "");
    let long = format!("- é{}\n\nHIGHEST SEVERITY: LOW", "a long ü word ".repeat(20_000));
    assert!((60_000..=64 * 1024).contains(&findings(&long).len()));
}

#[test]
fn critical_by_flag_or_severity() {
    for (text, expected) in [
        ("[CRITICAL-ISSUES-FOUND: YES]", true),
        ("**[critical-issues-found: yes]**", true),
        ("CRITICAL-ISSUES-FOUND: YES", true),
        ("Look at the second story. [CRITICAL-ISSUES-FOUND: YES]", true),
        ("HIGHEST SEVERITY: CRITICAL", true),
        ("HIGHEST SEVERITY: CRITICAL\n[CRITICAL-ISSUES-FOUND: NO]", true),
        ("[CRITICAL-ISSUES-FOUND: NO]", false),
        ("[CRITICAL-ISSUES-FOUND: YES]\nmended\n[CRITICAL-ISSUES-FOUND: NO]", false),
        ("[CRITICAL-ISSUES-FOUND: NO]\nno:\n[CRITICAL-ISSUES-FOUND: YES]", true),
        ("HIGHEST SEVERITY: CRITICAL\nmended\nHIGHEST SEVERITY: HIGH", false),
        ("I print [CRITICAL-ISSUES-FOUND: YES]", false),
        ("[CRITICAL-ISSUES-FOUND: YES|NO]", false),
        ("[CRITICAL-ISSUES-FOUND: YES/NO]", false),
        ("[CRITICAL-ISSUES-FOUND: MAYBE]", false),
        ("critical issues", false),
        ("", false),
    ] {
        assert_eq!(is_critical(text), expected, "{text}");
    }
}

#[test]
fn decisions_in_order() {
    use TechSpecDecision::{Required, Skip};
    for (text, expected) in [
        ("[TECH-SPEC-DECISION: REQUIRED]", vec![Required]),
        ("[tech-spec-decision: skip]\n[Tech-Spec-Decision: Required]", vec![Skip, Required]),
        ("**[TECH-SPEC-DECISION: SKIP]**", vec![Skip]),
        ("TECH-SPEC-DECISION: SKIP", vec![Skip]),
        ("**TECH-SPEC-DECISION:** SKIP", vec![Skip]),
        ("Story 4-1: [TECH-SPEC-DECISION: SKIP]", vec![Skip]),
        ("[TECH-SPEC-DECISION: SKIP] - a change of words", vec![Skip]),
        ("| 4-1 | [TECH-SPEC-DECISION: REQUIRED] |", vec![Required]),
        ("No new tables. [TECH-SPEC-DECISION: SKIP]", vec![Skip]),
        ("[TECH-SPEC-DECISION: REQUIRED|SKIP]", vec![]),
        ("I print [TECH-SPEC-DECISION: SKIP] for small ones", vec![]),
        ("[TECH-SPEC-DECISION: SKIP] or [TECH-SPEC-DECISION: REQUIRED]", vec![]),
        ("> [TECH-SPEC-DECISION: SKIP]", vec![]),
        ("The TECH-SPEC-DECISION: SKIP was made", vec![]),
        ("[TECH-SPEC-DECISION: LATER]", vec![]),
        ("", vec![]),
    ] {
        assert_eq!(tech_spec_decisions(text), expected, "{text}");
    }
}

/// Pieces that come close to marks.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ \\[\\]*#>|`:\n-]{0,4}",
        Just("ZERO ISSUES".to_owned()),
        Just("HIGHEST SEVERITY:".to_owned()),
        Just("critical".to_owned()),
        Just("[CRITICAL-ISSUES-FOUND: YES]".to_owned()),
        Just("TECH-SPEC-DECISION: SKIP]".to_owned()),
        Just("\n".to_owned()),
        Just("ıİß".to_owned()),
        any::<String>(),
    ]
}

proptest! {
    /// Any text is answered, the findings are bounded, and their form is final.
    #[test]
    fn total(pieces in prop::collection::vec(piece(), 0..30)) {
        let text = pieces.concat();
        let _ = (is_critical(&text), tech_spec_decisions(&text));
        if let Some(Verdict::Issues { findings, .. }) = verdict(&text) {
            prop_assert!(findings.len() <= 64 * 1024);
            prop_assert!(!findings.contains("  ") && !findings.contains("\n\n"));
        }
    }

    /// Whatever was said before, a last line that is a mark decides.
    #[test]
    fn a_last_line_decides(pieces in prop::collection::vec(piece(), 0..20)) {
        let before = pieces.concat();
        prop_assert_eq!(word(&format!("{before}\nAnd so:\n\nZERO ISSUES\n")), "zero");
        prop_assert_eq!(word(&format!("{before}\nAnd so:\n\nHIGHEST SEVERITY: CRITICAL")), "critical");
    }

    /// Prose without marks never changes a verdict that it follows.
    #[test]
    fn prose_changes_nothing(prose in "[a-y .,\n]{0,200}") {
        prop_assert_eq!(word(&format!("HIGHEST SEVERITY: HIGH\n{prose}")), "high");
        prop_assert_eq!(word(&format!("ZERO ISSUES\n{prose}")), "zero");
    }
}
