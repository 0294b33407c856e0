//! Modules and stylesheets without what is there for their readers: comments, indentation, blanks.
//!
//! The sources are written for people; the page is served lean. Names and lines stay, so that what
//! a browser reports can still be found. What cannot be read for sure is served as it is.

use std::borrow::Cow;

use super::modules;

/// The text as it is served, by the file's name; what is neither module nor stylesheet stays.
pub(super) fn lean(name: &str, text: Cow<'static, [u8]>) -> Cow<'static, [u8]> {
    let made = std::str::from_utf8(&text).ok().and_then(|text| match ending(name) {
        "js" => lean_module(text),
        "css" => Some(lean_sheet(text)),
        _ => None,
    });
    made.map_or(text, |made| Cow::Owned(made.into_bytes()))
}

fn ending(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, ending)| ending)
}

fn lean_module(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for blank in modules::blanks(text)? {
        out.push_str(&text[copied..blank.start]);
        copied = blank.end;
        let before = out.bytes().next_back();
        let Some((before, after)) = before.zip(bytes.get(blank.end).copied()) else { continue };
        if before == b'\n' {
            continue;
        }
        // The end of a line may be the end of a statement.
        if bytes[blank].contains(&b'\n') {
            out.push('\n');
        } else if must_be_apart(before, after) {
            out.push(' ');
        }
    }
    out.push_str(&text[copied..]);
    Some(out)
}

/// Whether two signs mean something else side by side.
const fn must_be_apart(before: u8, after: u8) -> bool {
    let words = is_part_of_word(before) && is_part_of_word(after);
    let one_sign = before == after && matches!(before, b'+' | b'-' | b'/');
    let number = (before.is_ascii_digit() || before == b'?') && after == b'.';
    words || one_sign || number
}

const fn is_part_of_word(byte: u8) -> bool {
    byte.is_ascii_digit() || modules::is_word(byte)
}

fn lean_sheet(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut quote = None;
    while let Some(sign) = rest.chars().next() {
        if quote.is_none() && rest.starts_with("/*") {
            rest = rest.split_once("*/").map_or("", |(_, behind)| behind);
            continue;
        }
        rest = &rest[sign.len_utf8()..];
        match quote {
            Some(open) => {
                out.push(sign);
                if sign == '\\' {
                    let mut behind = rest.chars();
                    out.extend(behind.next());
                    rest = behind.as_str();
                } else if sign == open {
                    quote = None;
                }
            }
            None if sign.is_ascii_whitespace() => {
                // One blank is as good as many, and none is needed behind these.
                if !out.ends_with([' ', '\n', '{', '}', ';', ',', ':']) && !out.is_empty() {
                    out.push(' ');
                }
            }
            None => {
                if matches!(sign, '{' | '}' | ';' | ',') && out.ends_with(' ') {
                    out.pop();
                }
                out.push(sign);
                if matches!(sign, '"' | '\'') {
                    quote = Some(sign);
                } else if sign == '}' {
                    out.push('\n');
                }
            }
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
            ("let a = 1;\n", "let a=1;"),
            ("  // why\n  go();\n\n", "go();"),
            ("/**\n * Two\n * lines.\n */\nlet a;\n", "let a;"),
            ("  /** @type {any} */ let timer;\n", "let timer;"),
            ("const x = /** @type {any} */ (y);\n", "const x=(y);"),
            ("f(\"http:  //x\"); // end\n", "f(\"http:  //x\");"),
            ("const b = `a  // ${c + 1}\n  d`;\n", "const b=`a  // ${c+1}\n  d`;"),
            ("a = b\n  / c;\n", "a=b\n/c;"),
            ("a + +b - -c;", "a+ +b- -c;"),
            ("return /* a */ x;", "return x;"),
            ("if (/[/*]/.test(a)) b / /c/;", "if(/[/*]/.test(a))b/ /c/;"),
            ("1 .a; a ? .5 : b", "1 .a;a? .5:b"),
            ("\u{e9} in a", "\u{e9} in a"),
            ("", ""),
        ] {
            assert_eq!(lean_module(text).as_deref(), Some(expected), "{text}");
            assert_eq!(lean_module(expected).as_deref(), Some(expected), "{text}: again");
        }
    }

    #[test]
    fn sheets() {
        for (text, expected) in [
            (
                "/* a */\n@layer b {\n  .c > .d { top: 1px; left: 0 }\n}\n",
                "@layer b{.c > .d{top:1px;left:0}\n}\n",
            ),
            (
                ".a :hover, .b { content: \"/* x  ; */\"; }",
                ".a :hover,.b{content:\"/* x  ; */\";}\n",
            ),
            ("a { b: calc(1px - 2px) }", "a{b:calc(1px - 2px)}\n"),
            ("a { b: url('x  \\' y') }", "a{b:url('x  \\' y')}\n"),
        ] {
            assert_eq!(lean_sheet(text), expected, "{text}");
            assert_eq!(lean_sheet(expected), expected, "{text}: again");
        }
    }

    #[test]
    fn other_files_stay() {
        let html: &[u8] = b"<!-- a -->\n  <p>\n";
        assert_eq!(&*lean("index.html", Cow::Borrowed(html)), html);
        for broken in [&b"// a\n\xff\n"[..], b"let a = `x", b"}"] {
            assert_eq!(&*lean("a.js", Cow::Borrowed(broken)), broken);
        }
    }

    #[test]
    fn every_file_of_the_page_can_be_read_for_sure() {
        let mut seen = 0;
        for (name, content) in page::sources() {
            let text = std::str::from_utf8(&content).unwrap();
            match ending(&name) {
                "js" => {
                    seen += 1;
                    assert!(
                        lean_module(text).is_some_and(|made| made.len() < text.len()),
                        "{name}"
                    );
                }
                "css" => assert!(lean_sheet(text).len() < text.len(), "{name}"),
                _ => {}
            }
        }
        assert!(seen > 40);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken_and_once_is_enough(text in "[a-c0-9 \n/*+\"'`${}().é\\\\-]{0,60}") {
            if let Some(once) = lean_module(&text) {
                proptest::prop_assert!(once.len() <= text.len());
                if let Some(twice) = lean_module(&once) {
                    proptest::prop_assert_eq!(twice, once);
                }
            }
            let once = lean_sheet(&text);
            proptest::prop_assert!(once.len() <= text.len() * 2);
        }
    }
}
