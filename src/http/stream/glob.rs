//! Patterns for event types: `*` is any run of characters, all else is itself.

/// True when `text` is what `pattern` means. Linear in practice and never worse than the product of
/// both lengths.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut seen) = (0, 0);
    // Where to go on when what follows the last star does not fit: one character further.
    let mut star: Option<(usize, usize)> = None;
    while seen < text.len() {
        if pattern.get(at) == Some(&b'*') {
            star = Some((at + 1, seen));
            at += 1;
        } else if pattern.get(at) == Some(&text[seen]) {
            at += 1;
            seen += 1;
        } else if let Some((behind, from)) = star {
            at = behind;
            seen = from + 1;
            star = Some((behind, from + 1));
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::matches;

    /// The law: what the words mean, without any thought of speed.
    fn means(pattern: &[char], text: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['*', rest @ ..] => (0..=text.len()).any(|cut| means(rest, &text[cut..])),
            [first, rest @ ..] => text.first() == Some(first) && means(rest, &text[1..]),
        }
    }

    #[test]
    fn patterns_as_users_write_them() {
        for (pattern, text, expected) in [
            ("command:*", "command:start", true),
            ("command:*", "command:", true),
            ("command:*", "xcommand:start", false),
            ("*", "", true),
            ("*", "anything", true),
            ("", "", true),
            ("", "x", false),
            ("*:start", "batch:start", true),
            ("*:start", "batch:started", false),
            ("c*:*t", "command:start", true),
            ("story:status", "story:status", true),
            ("story:status", "story:statu", false),
            ("story:statu", "story:status", false),
            ("***", "x", true),
            ("*a*b*c*", "xxaxxbxxcxx", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
        assert!(!matches(&"*a".repeat(128), &"a".repeat(100)));
    }

    proptest! {
        #[test]
        fn it_is_the_law(pattern in "[ab*:]{0,8}", text in "[ab:]{0,10}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(matches(&pattern, &text), means(&chars(&pattern), &chars(&text)));
        }

        #[test]
        fn any_text_matches_itself_and_the_star(text in "\\PC{0,20}") {
            prop_assert!(matches(&text, &text));
            prop_assert!(matches("*", &text));
        }
    }
}
