//! ES modules without addresses: what a module imports by a relative path it imports by a bare name,
//! which an import map can send anywhere.
//!
//! The reader knows as much of the language as it takes to tell code from comments, texts, templates
//! and regular expressions. What it cannot be sure of is a fault, not a guess.

use std::ops::Range;

/// Bare names begin with this.
pub const PREFIX: &str = "page/";

/// Words behind which a `/` begins a regular expression.
const BEFORE_REGEX: [&str; 14] = [
    "await",
    "case",
    "delete",
    "do",
    "else",
    "in",
    "instanceof",
    "new",
    "of",
    "return",
    "throw",
    "typeof",
    "void",
    "yield",
];

/// A module, or another file of the page, that cannot be taken along.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}: {what}")]
pub struct Fault {
    /// The file.
    pub file: String,
    /// Where, from 1.
    pub line: usize,
    /// What is the matter.
    pub what: String,
}

/// What a module imports: the literal in its text, quotes included, and what stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Import {
    literal: Range<usize>,
    specifier: String,
}

/// The text of the module `file` with bare names. Each target is shown to `allow`, which says what
/// is the matter with it; a module that is only missing may be let pass: it is missing on a server
/// too.
pub fn rewrite(
    file: &str,
    text: &str,
    mut allow: impl FnMut(&str) -> Result<(), String>,
) -> Result<String, Fault> {
    let mut out = String::with_capacity(text.len() + 256);
    let mut copied = 0;
    for import in imports(file, text)? {
        let told = |what| fault(file, text, import.literal.start, what);
        let target = resolve(file, &import.specifier)
            .ok_or_else(|| told(format!("imports \"{}\", which is no path", import.specifier)))?;
        allow(&target).map_err(told)?;
        out.push_str(&text[copied..import.literal.start]);
        out.push_str(&format!("\"{PREFIX}{target}\""));
        copied = import.literal.end;
    }
    out.push_str(&text[copied..]);
    Ok(out)
}

/// What `specifier` means in `file`: a name below the page's folder.
fn resolve(file: &str, specifier: &str) -> Option<String> {
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    if !(specifier.starts_with("./") || specifier.starts_with("../")) {
        return None;
    }
    for part in specifier.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn fault(file: &str, text: &str, at: usize, what: String) -> Fault {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    let line = before.split(|byte| *byte == b'\n').count();
    Fault { file: file.to_owned(), line, what }
}

/// Where a module's text holds nothing but blanks and comments; `None` where that is not sure.
pub(super) fn blanks(text: &str) -> Option<Vec<Range<usize>>> {
    let mut reader = Reader::new(text);
    reader.read().ok().map(|()| reader.blanks)
}

fn imports(file: &str, text: &str) -> Result<Vec<Import>, Fault> {
    let mut reader = Reader::new(text);
    match reader.read() {
        Ok(()) => Ok(reader.found),
        Err(what) => Err(fault(file, text, reader.at.min(text.len()), what.to_owned())),
    }
}

/// What an open `{` belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Brace {
    Code,
    Template,
}

/// What stood before: it decides what a `/` is, and whether a word is a property's name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// A value ends here: `/` divides.
    Value,
    /// A value is to come: `/` begins a regular expression.
    Operator,
    /// A dot: the next word is a name, whatever it is.
    Dot,
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    braces: Vec<Brace>,
    found: Vec<Import>,
    /// What says nothing: blanks, ends of lines, comments.
    blanks: Vec<Range<usize>>,
}

type Read<T = ()> = Result<T, &'static str>;

impl<'a> Reader<'a> {
    const fn new(text: &'a str) -> Self {
        Self {
            text: text.as_bytes(),
            at: 0,
            braces: Vec::new(),
            found: Vec::new(),
            blanks: Vec::new(),
        }
    }
}

impl Reader<'_> {
    fn read(&mut self) -> Read {
        let mut before = Before::Operator;
        loop {
            self.trivia()?;
            let Some(byte) = self.peek() else {
                // A sign taken for another shows itself here.
                return if self.braces.is_empty() { Ok(()) } else { Err("a brace is not closed") };
            };
            before = match byte {
                b'"' | b'\'' => {
                    self.string()?;
                    Before::Value
                }
                b'`' => {
                    self.at += 1;
                    self.template()?
                }
                b'/' if before == Before::Operator => {
                    self.regex()?;
                    Before::Value
                }
                b'0'..=b'9' => {
                    self.skip(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
                    Before::Value
                }
                byte if is_word(byte) => self.word(before)?,
                b'{' => {
                    self.at += 1;
                    self.braces.push(Brace::Code);
                    Before::Operator
                }
                b'}' => {
                    self.at += 1;
                    match self.braces.pop() {
                        Some(Brace::Template) => self.template()?,
                        Some(Brace::Code) => Before::Value,
                        None => return Err("a brace too many"),
                    }
                }
                b'.' if self.rest().starts_with(b"...") => {
                    self.at += 3;
                    Before::Operator
                }
                b'.' => {
                    self.at += 1;
                    Before::Dot
                }
                b')' | b']' => {
                    self.at += 1;
                    Before::Value
                }
                _ => {
                    self.at += 1;
                    Before::Operator
                }
            };
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn rest(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self, wanted: impl Fn(u8) -> bool) -> Range<usize> {
        let start = self.at;
        while self.peek().is_some_and(&wanted) {
            self.at += 1;
        }
        start..self.at
    }

    /// Skips blanks and comments.
    fn trivia(&mut self) -> Read {
        let start = self.at;
        loop {
            self.skip(|byte| byte.is_ascii_whitespace());
            let rest = self.rest();
            if rest.starts_with(b"//") {
                self.skip(|byte| byte != b'\n');
            } else if rest.starts_with(b"/*") {
                let end = rest[2..].windows(2).position(|two| two == b"*/");
                self.at += end.ok_or("a comment does not end")? + 4;
            } else {
                if self.at > start {
                    self.blanks.push(start..self.at);
                }
                return Ok(());
            }
        }
    }

    /// Takes a text in quotes; gives its place, quotes included.
    fn string(&mut self) -> Read<Range<usize>> {
        let (start, quote) = (self.at, self.text[self.at]);
        self.at += 1;
        loop {
            match self.peek() {
                None | Some(b'\n') => return Err("a text does not end"),
                Some(b'\\') => self.at += 2,
                Some(byte) => {
                    self.at += 1;
                    if byte == quote {
                        return Ok(start..self.at);
                    }
                }
            }
        }
    }

    /// Takes a template's text up to its end or to `${`; tells what stands before the code behind.
    fn template(&mut self) -> Read<Before> {
        loop {
            match self.peek() {
                None => return Err("a template does not end"),
                Some(b'\\') => self.at += 2,
                Some(b'`') => {
                    self.at += 1;
                    return Ok(Before::Value);
                }
                Some(b'$') if self.text.get(self.at + 1) == Some(&b'{') => {
                    self.at += 2;
                    self.braces.push(Brace::Template);
                    return Ok(Before::Operator);
                }
                Some(_) => self.at += 1,
            }
        }
    }

    fn regex(&mut self) -> Read {
        self.at += 1;
        let mut in_class = false;
        loop {
            match self.peek() {
                None | Some(b'\n') => return Err("a regular expression does not end"),
                Some(b'\\') => self.at += 1,
                Some(b'[') => in_class = true,
                Some(b']') => in_class = false,
                Some(b'/') if !in_class => {
                    self.at += 1;
                    self.skip(is_word);
                    return Ok(());
                }
                Some(_) => {}
            }
            self.at += 1;
        }
    }

    fn word(&mut self, before: Before) -> Read<Before> {
        let place = self.skip(|byte| is_word(byte) || byte.is_ascii_digit());
        let word = &self.text[place];
        if before != Before::Dot {
            match word {
                b"import" => return self.import(),
                b"export" => return self.export(),
                _ if BEFORE_REGEX.iter().any(|known| known.as_bytes() == word) => {
                    return Ok(Before::Operator);
                }
                _ => {}
            }
        }
        Ok(Before::Value)
    }

    /// Behind the word `import`.
    fn import(&mut self) -> Read<Before> {
        self.trivia()?;
        match self.peek() {
            Some(b'(') => {
                self.at += 1;
                self.trivia()?;
                if !matches!(self.peek(), Some(b'"' | b'\'')) {
                    return Err("import() of anything but a text in quotes");
                }
                self.specifier()?;
                self.trivia()?;
                match self.peek() {
                    Some(b')' | b',') => Ok(Before::Value),
                    _ => Err("import() of anything but a text in quotes"),
                }
            }
            // A module without an address has none to give: who asks must do without a file.
            Some(b'.') if self.rest().starts_with(b".meta.url") => Ok(Before::Value),
            Some(b'.') => Err("import.meta"),
            // The name of a property.
            Some(b':') => Ok(Before::Value),
            _ => self.from(),
        }
    }

    /// Behind the word `export`.
    fn export(&mut self) -> Read<Before> {
        self.trivia()?;
        match self.peek() {
            Some(b'*') => self.from(),
            Some(b'{') => {
                self.skip(|byte| byte != b'}');
                self.at += 1;
                self.trivia()?;
                if self.rest().starts_with(b"from") { self.from() } else { Ok(Before::Value) }
            }
            _ => Ok(Before::Operator),
        }
    }

    /// Names, braces and commas up to the text behind `from`; or just that text.
    fn from(&mut self) -> Read<Before> {
        let mut told = true;
        loop {
            self.trivia()?;
            match self.peek() {
                Some(b'"' | b'\'') if told => {
                    self.specifier()?;
                    return Ok(Before::Value);
                }
                Some(b'{' | b'}' | b',' | b'*') => {
                    self.at += 1;
                    told = false;
                }
                Some(byte) if is_word(byte) => {
                    let place = self.skip(|byte| is_word(byte) || byte.is_ascii_digit());
                    told = &self.text[place] == b"from";
                }
                _ => return Err("an import or export of a form that is not known"),
            }
        }
    }

    fn specifier(&mut self) -> Read {
        let literal = self.string()?;
        let inner = &self.text[literal.start + 1..literal.end - 1];
        let specifier = std::str::from_utf8(inner).ok().filter(|text| !text.contains('\\'));
        let specifier = specifier.ok_or("an import with escapes in its name")?.to_owned();
        self.found.push(Import { literal, specifier });
        Ok(())
    }
}

pub(super) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$' | b'#') || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(text: &str) -> Result<String, Fault> {
        rewrite("js/views/run.js", text, |name| {
            if name.starts_with("js/") { Ok(()) } else { Err("elsewhere".to_owned()) }
        })
    }

    #[test]
    fn every_form_of_import_gets_a_bare_name() {
        for (text, expected) in [
            (
                r#"import { a, b as c } from "./a.js";"#,
                r#"import { a, b as c } from "page/js/views/a.js";"#,
            ),
            (
                "import {\n  a, // from \"./no.js\"\n} from '../x/a.js'",
                "import {\n  a, // from \"./no.js\"\n} from \"page/js/x/a.js\"",
            ),
            (r#"import * as bar from "../bar.js";"#, r#"import * as bar from "page/js/bar.js";"#),
            (
                r#"import from_ , {from} from "../bar.js";"#,
                r#"import from_ , {from} from "page/js/bar.js";"#,
            ),
            (r#"import "./side.js";"#, r#"import "page/js/views/side.js";"#),
            (
                r#"export { a } from "./a.js"; export * from "./b.js""#,
                r#"export { a } from "page/js/views/a.js"; export * from "page/js/views/b.js""#,
            ),
            (
                r#"f = () => import( "./a.js" ).then(g)"#,
                r#"f = () => import( "page/js/views/a.js" ).then(g)"#,
            ),
        ] {
            assert_eq!(rewritten(text).unwrap(), expected);
        }
    }

    #[test]
    fn what_is_no_code_stays_as_it_is() {
        for text in [
            r#"/** @param {import("../main.js").App} app */ // import "./x.js""#,
            r#"const a = "import('./x.js')", b = 'say \' import "./x.js"', c = `import("./x.js")`;"#,
            r#"const d = `${f(`}import("./x.js")`)} import "./x.js"`;"#,
            r#"const e = text.match(/["'`]import\("[^/"]/g) ?? a / b / "c";"#,
            "if (x) return /\\/[/\"]/.test(y); const z = a[0] / 2 / 3; // \"",
            "try { new URL(\"w.js\", import.meta.url) } catch {}",
            "log.import(`x`); const o = { import: 1, export: 2 };",
            "export const a = 1; export default function () {} export { a };",
            "",
        ] {
            assert_eq!(rewritten(text).unwrap(), text);
        }
        let code = r#"const d = `${await import("./x.js")}`; import "./y.js""#;
        let expected =
            r#"const d = `${await import("page/js/views/x.js")}`; import "page/js/views/y.js""#;
        assert_eq!(rewritten(code).unwrap(), expected);
    }

    #[test]
    fn what_cannot_be_taken_along_is_named_with_its_line() {
        for text in [
            "import(`./views/${name}.js`)",
            "import(name)",
            r#"import("./a" + ".js")"#,
            "import.meta.resolve(x)",
            r#"import a from "https://example.org/a.js""#,
            r#"import a from "bare""#,
            r#"import a from "../../../a.js""#,
            r#"import a from "../../css/a.css""#,
            r#"import a from "./\u0061.js""#,
            "import a of b",
            "import",
            "`${",
            "/* ",
            "\"",
        ] {
            let fault = rewritten(&format!("\n{text}")).unwrap_err();
            assert_eq!(fault.line, 2, "{text}: {fault}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_to_an_end(text in "[a-z\"'`/*${}()\\[\\]\\\\. \nimport]{0,80}") {
            let _ = rewritten(&text);
        }

        #[test]
        fn a_text_without_imports_is_not_touched(text in "[a-hj-z\"'`/*${}()\\[\\]\\\\. \n]{0,80}") {
            if let Ok(same) = rewritten(&text) {
                proptest::prop_assert_eq!(same, text);
            }
        }
    }
}
