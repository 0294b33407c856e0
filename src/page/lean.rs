//! Modules and stylesheets without what is there for their readers: whole-line comments, blank
//! lines, indentation.
//!
//! Lines are looked at one by one, so no text may run over several of them: a test holds that for
//! our own files. Nothing within a line is touched.

use std::borrow::Cow;

/// The text as it is served, by the file's name; what is neither module nor stylesheet stays.
pub fn lean(name: &str, text: Cow<'static, [u8]>) -> Cow<'static, [u8]> {
    let is_module = name.ends_with(".js");
    if !is_module && !name.ends_with(".css") {
        return text;
    }
    match std::str::from_utf8(&text) {
        Ok(known) => Cow::Owned(lean_text(known, is_module).into_bytes()),
        Err(_) => text,
    }
}

fn lean_text(text: &str, is_module: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_comment = false;
    for line in text.lines() {
        let mut rest = line.trim();
        loop {
            if in_comment {
                let Some((_, behind)) = rest.split_once("*/") else {
                    rest = "";
                    break;
                };
                in_comment = false;
                rest = behind.trim_start();
            } else if let Some(behind) = rest.strip_prefix("/*") {
                in_comment = true;
                rest = behind;
            } else {
                break;
            }
        }
        if !(rest.is_empty() || is_module && rest.starts_with("//")) {
            out.push_str(rest);
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page;

    #[test]
    fn what_is_there_for_readers_goes_and_nothing_else() {
        for (text, expected) in [
            ("let a = 1;\n", "let a = 1;\n"),
            ("  // why\n  go();\n\n", "go();\n"),
            ("/** One. */\nlet a;", "let a;\n"),
            ("/**\n * Two\n * lines.\n */\nlet a;\n", "let a;\n"),
            ("  /** @type {any} */ let timer;\n", "let timer;\n"),
            ("/* a */ /* b */ x();\n", "x();\n"),
            ("/* a\n b */ x();\n", "x();\n"),
            ("f(\"http://x\"); // end\n", "f(\"http://x\"); // end\n"),
            ("const glob = \"/*\"; const b = 2;\n", "const glob = \"/*\"; const b = 2;\n"),
            ("x = a\n  / b;\n", "x = a\n/ b;\n"),
            ("/*/ still */ x();\n", "x();\n"),
            ("", ""),
        ] {
            assert_eq!(lean_text(text, true), expected, "{text}");
            assert_eq!(lean_text(expected, true), expected, "{text}: again");
        }
        assert_eq!(lean_text("a { b: url(//c); }\n//d\n", false), "a { b: url(//c); }\n//d\n");
    }

    #[test]
    fn other_files_stay() {
        let html: &[u8] = b"<!-- a -->\n  <p>\n";
        assert_eq!(&*lean("index.html", Cow::Borrowed(html)), html);
        let broken: &[u8] = b"// a\n\xff\n";
        assert_eq!(&*lean("a.js", Cow::Borrowed(broken)), broken);
    }

    /// Else a line of it could be taken for a comment, or lose its blanks.
    #[test]
    fn no_text_of_our_page_runs_over_several_lines() {
        let mut seen = 0;
        for (name, content) in page::sources() {
            if !name.ends_with(".js") {
                continue;
            }
            seen += 1;
            let text = std::str::from_utf8(&content).unwrap();
            for (number, line) in text.lines().enumerate() {
                let comment = ["//", "*", "/*"].iter().any(|sign| line.trim().starts_with(sign));
                let ticks = line.replace("\\`", "").matches('`').count();
                assert!(comment || ticks % 2 == 0, "{name}:{}: {line}", number + 1);
                assert!(!line.ends_with('\\'), "{name}:{}: {line}", number + 1);
            }
        }
        assert!(seen > 40);
    }
}
