//! As much of the language as it takes to find a module's imports: code is told from comments, texts,
//! templates and regular expressions. What it cannot be sure of is a fault, not a guess.

use std::ops::Range;

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

/// What a module imports: the literal in its text, quotes included, and what stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Import {
    pub(super) literal: Range<usize>,
    pub(super) specifier: String,
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

pub(super) struct Reader<'a> {
    text: &'a [u8],
    pub(super) at: usize,
    braces: Vec<Brace>,
    pub(super) found: Vec<Import>,
    /// What says nothing: blanks, ends of lines, comments.
    pub(super) blanks: Vec<Range<usize>>,
}

pub(super) type Read<T = ()> = Result<T, &'static str>;

impl<'a> Reader<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
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
    pub(super) fn read(&mut self) -> Read {
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

pub(in crate::page) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$' | b'#') || byte >= 0x80
}
