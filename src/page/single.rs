//! The whole page as one file that asks nobody for anything: styles and scripts inline, each module
//! behind a bare name that an import map sends to a `data:` address.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::Files;
use super::modules::{self, Fault, PREFIX};

const INDEX: &str = "index.html";

/// What makes the overview of all projects: a page of its own, which a file of one sprint has no use for.
const ELSEWHERE: [&str; 5] = [
    "js/projects.js",
    "js/views/projects.js",
    "js/views/team.js",
    "css/projects.css",
    "css/team.css",
];

/// What a reader without scripts is told.
const NOSCRIPT: &str =
    "<noscript><p class=\"empty\">This page replays a sprint and needs JavaScript.</p></noscript>";

/// The page around its archive: what stands before the archive's JSON, and what behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shell {
    /// Up to and including the archive's start tag.
    pub before: String,
    /// From the archive's end tag on.
    pub after: String,
    /// What the file may do, for the answer's own header.
    pub policy: String,
}

/// The page as one file.
pub fn shell(files: &Files, title: &str) -> Result<Shell, Fault> {
    let index = text(files, INDEX)?;
    let mut maker = Maker { files, index, policed: Vec::new(), styles: Vec::new() };
    let (head, body) = split(index, "</head>")?;
    let (body, end) = split(body, "</body>")?;
    let head = maker.tags(head)?;
    let more = maker.other_styles()?;
    let body = maker.tags(body)?;
    let policy = format!(
        "default-src 'none'; script-src {} data:; style-src 'unsafe-inline'; img-src data:; \
         base-uri 'none'; form-action 'none'",
        maker.policed.join(" ")
    );
    let meta = format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">");
    // The policy stands before all that it speaks of; the character set before everything.
    let (start, rest) = split(&head, "<meta charset=\"utf-8\">")?;
    let rest = titled(rest, title)?;
    let before = format!(
        "{start}<meta charset=\"utf-8\">\n{meta}{rest}{more}</head>{body}\
         <script type=\"application/json\" id=\"archive\">"
    );
    Ok(Shell { before, after: format!("</script>\n</body>{end}"), policy })
}

struct Maker<'a> {
    files: &'a Files,
    index: &'a str,
    /// The hashes of the inline scripts.
    policed: Vec<String>,
    /// The style sheets that stand in the page already.
    styles: Vec<String>,
}

impl Maker<'_> {
    /// Goes through the tags that name other files, and puts the files in their place.
    fn tags(&mut self, part: &str) -> Result<String, Fault> {
        let mut out = String::with_capacity(part.len() * 2);
        let mut rest = part;
        while let Some(at) = rest.find('<') {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            let end = match rest.find('>') {
                Some(_) if rest.starts_with("<!--") => rest.find("-->").map(|end| end + 3),
                end => end.map(|end| end + 1),
            };
            let end = end.ok_or_else(|| self.fault(rest, "a tag does not end"))?;
            let (tag, behind) = rest.split_at(end);
            let name = tag[1..].split(|c: char| !c.is_ascii_alphanumeric()).next();
            rest = match name.unwrap_or_default() {
                "link" => {
                    out.push_str(&self.link(tag)?);
                    behind
                }
                "script" => {
                    let Some((inline, behind)) = behind.split_once("</script>") else {
                        return Err(self.fault(tag, "a script does not end"));
                    };
                    if !inline.trim().is_empty() {
                        return Err(self.fault(tag, "a script that stands in the page itself"));
                    }
                    out.push_str(&self.script(tag)?);
                    behind
                }
                "noscript" => {
                    out.push_str(NOSCRIPT);
                    behind.split_once("</noscript>").map_or(behind, |(_, behind)| behind)
                }
                _ => {
                    out.push_str(tag);
                    behind
                }
            };
        }
        out.push_str(rest);
        Ok(out)
    }

    fn link(&mut self, tag: &str) -> Result<String, Fault> {
        let attributes = attributes(tag);
        let href = attributes.get("href").map_or("", String::as_str);
        match attributes.get("rel").map_or("", String::as_str) {
            "stylesheet" => self.style(href),
            "icon" => {
                let icon = text(self.files, href)?;
                let address = format!("data:image/svg+xml;base64,{}", STANDARD.encode(icon));
                Ok(tag.replace(&format!("\"{href}\""), &format!("\"{address}\"")))
            }
            // All is here already.
            "modulepreload" | "preload" => Ok(String::new()),
            _ => Err(self.fault(tag, "a link of a kind that is not known")),
        }
    }

    fn script(&mut self, tag: &str) -> Result<String, Fault> {
        let attributes = attributes(tag);
        let Some(name) = attributes.get("src") else {
            return Err(self.fault(tag, "a script without a file"));
        };
        if attributes.get("type").is_none_or(|kind| kind != "module") {
            let code = text(self.files, name)?;
            if code.contains("</") || code.contains("<!--") {
                return Err(at_top(name, "a classic script with a tag in its text"));
            }
            return Ok(self.inline("", code));
        }
        let map = import_map(self.files)?;
        let map = self.inline(" type=\"importmap\"", &map);
        let main = self.inline(" type=\"module\"", &format!("import \"{PREFIX}{name}\";"));
        Ok(format!("{map}\n{main}"))
    }

    /// A script in the page, which the policy knows by its hash.
    fn inline(&mut self, kind: &str, code: &str) -> String {
        let hash = STANDARD.encode(Sha256::digest(code.as_bytes()));
        self.policed.push(format!("'sha256-{hash}'"));
        format!("<script{kind}>{code}</script>")
    }

    /// A style sheet in the page. Its name stays readable, so that nobody fetches it again.
    fn style(&mut self, name: &str) -> Result<String, Fault> {
        let style = text(self.files, name)?;
        let lower = style.to_ascii_lowercase();
        if lower.contains("</") || lower.contains("@import") {
            return Err(at_top(name, "a style sheet with a tag or an @import in it"));
        }
        if lower.replace("url(\"data:", "").replace("url(#", "").contains("url(") {
            return Err(at_top(name, "a style sheet that names another file"));
        }
        self.styles.push(name.to_owned());
        Ok(format!("<style data-href=\"{name}\">\n{style}</style>"))
    }

    /// The style sheets that the page fetches only with a view.
    fn other_styles(&mut self) -> Result<String, Fault> {
        let mut out = String::new();
        for name in
            self.files.keys().filter(|name| name.starts_with("css/") && has_ending(name, "css"))
        {
            if !self.styles.contains(name) && !ELSEWHERE.contains(&name.as_str()) {
                out.push_str(&self.style(name)?);
                out.push('\n');
            }
        }
        Ok(out)
    }

    fn fault(&self, part: &str, what: &str) -> Fault {
        let at = self.index.find(part).unwrap_or_default();
        let line = self.index[..at].matches('\n').count() + 1;
        Fault { file: INDEX.to_owned(), line, what: what.to_owned() }
    }
}

/// Every module under its bare name.
fn import_map(files: &Files) -> Result<String, Fault> {
    // A worker is a script of its own, and the file has none.
    let is_module = |name: &str| {
        name.starts_with("js/")
            && has_ending(name, "js")
            && !name.ends_with("-worker.js")
            && !ELSEWHERE.contains(&name)
    };
    let mut imports = BTreeMap::new();
    for name in files.keys().filter(|name| is_module(name)) {
        let code = modules::rewrite(name, text(files, name)?, |target| {
            let refused = || format!("imports {target}, which is no module of the page");
            is_module(target).then_some(()).ok_or_else(refused)
        })?;
        let address = format!("data:text/javascript;base64,{}", STANDARD.encode(code));
        imports.insert(format!("{PREFIX}{name}"), address);
    }
    // Names of files may hold anything but what ends the script.
    let map = serde_json::json!({ "imports": imports }).to_string();
    Ok(map.replace('<', "\\u003c"))
}

fn has_ending(name: &str, ending: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, known)| known == ending)
}

fn text<'a>(files: &'a Files, name: &str) -> Result<&'a str, Fault> {
    let bytes = files.get(name).ok_or_else(|| at_top(name, "there is no such file"))?;
    std::str::from_utf8(bytes).map_err(|_| at_top(name, "it is not UTF-8"))
}

fn at_top(file: &str, what: &str) -> Fault {
    Fault { file: file.to_owned(), line: 1, what: what.to_owned() }
}

fn split<'a>(text: &'a str, at: &str) -> Result<(&'a str, &'a str), Fault> {
    text.split_once(at).ok_or_else(|| at_top(INDEX, &format!("there is no {at}")))
}

/// The head with another title, which may hold anything.
fn titled(head: &str, title: &str) -> Result<String, Fault> {
    let (start, rest) = split(head, "<title>")?;
    let (_, rest) = split(rest, "</title>")?;
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    Ok(format!("{start}<title>{title}</title>{rest}"))
}

/// A tag's attributes; those without a value are empty.
fn attributes(tag: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let inner = tag.trim_start_matches('<').trim_end_matches('>');
    let mut rest = inner.split_once(char::is_whitespace).map_or("", |(_, rest)| rest).trim();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(end);
        let quoted = behind.strip_prefix("=\"").and_then(|behind| behind.split_once('"'));
        let (value, behind) = quoted.unwrap_or(("", behind.trim_start_matches('=')));
        found.insert(name.to_owned(), value.to_owned());
        rest = behind.trim_start();
    }
    found
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    const PAGE: &str = "<!doctype html>\n<html><head>\n<meta charset=\"utf-8\">\n<title>x</title>\n\
        <link rel=\"icon\" id=\"favicon\" href=\"a.svg\" type=\"image/svg+xml\">\n\
        <script src=\"js/theme.js\"></script>\n<link rel=\"stylesheet\" href=\"css/b.css\">\n\
        <script type=\"module\" src=\"js/main.js\"></script>\n</head>\n<body>\n<!-- <link> -->\n\
        <p id=\"p\">a < b</p>\n<noscript><a href=\"api/x\">x</a></noscript>\n</body>\n</html>\n";

    fn files(change: &[(&str, &str)]) -> Files {
        let mut files: Files = [
            ("index.html", PAGE),
            ("a.svg", "<svg/>"),
            ("css/a.css", "a { color: red }"),
            ("css/b.css", "b { color: red }"),
            ("js/theme.js", "try {} catch {}"),
            ("js/main.js", "import \"./x.js\";"),
            ("js/x.js", "export const x = 1;"),
        ]
        .iter()
        .map(|(name, text)| ((*name).to_owned(), Cow::Borrowed(text.as_bytes())))
        .collect();
        for (name, text) in change {
            files.insert((*name).to_owned(), Cow::Owned(text.as_bytes().to_vec()));
        }
        files
    }

    #[test]
    fn the_page_of_this_binary_can_be_one_file() {
        let shell = shell(&super::super::files(), "t").unwrap_or_else(|fault| panic!("{fault}"));
        for outside in
            [" src=\"js", " href=\"css", " href=\"favicon", " href=\"api", "<link rel=\"style"]
        {
            assert!(!shell.before.contains(outside), "{outside}");
        }
    }

    #[test]
    fn every_import_of_the_page_has_a_form_that_is_taken_and_leads_to_a_file() {
        // Held as it was written and as it is served.
        for files in [super::super::sources(), super::super::files()] {
            let (mut count, mut at_line_start) = (0, 0);
            for name in files.keys().filter(|name| has_ending(name, "js")) {
                let code = text(&files, name).unwrap_or_else(|fault| panic!("{fault}"));
                let rewritten = modules::rewrite(name, code, |target| {
                    count += 1;
                    files.get(target).map(|_| ()).ok_or_else(|| format!("there is no {target}"))
                });
                rewritten.unwrap_or_else(|fault| panic!("{fault}"));
                at_line_start += ["\nimport ", "\nimport{", "\nimport*", "\nimport\""]
                    .iter()
                    .map(|start| code.matches(start).count())
                    .sum::<usize>();
            }
            assert!(count >= at_line_start && at_line_start > 50, "{count} of {at_line_start}");
        }
    }

    #[test]
    fn everything_stands_in_the_file() {
        let shell = shell(&files(&[]), "A & <b>").unwrap();
        let whole = format!("{}{{}}{}", shell.before, shell.after);
        for part in [
            "<title>A &amp; &lt;b></title>",
            "<style data-href=\"css/b.css\">\nb { color: red }</style>",
            "<style data-href=\"css/a.css\">\na { color: red }</style>\n</head>",
            "href=\"data:image/svg+xml;base64,PHN2Zy8+\"",
            "<script>try {} catch {}</script>",
            "<script type=\"importmap\">{\"imports\":{\"page/js/main.js\":\"data:text/javascript;base64,",
            "<script type=\"module\">import \"page/js/main.js\";</script>",
            "<script type=\"application/json\" id=\"archive\">{}</script>\n</body>\n</html>\n",
            "<!-- <link> -->",
            "<p id=\"p\">a < b</p>",
        ] {
            assert!(whole.contains(part), "{part} is not in {whole}");
        }
        assert!(!whole.contains("api/x"));
        let policy = shell.before.find("http-equiv").unwrap();
        assert!(policy < shell.before.find("<script").unwrap());
        assert_eq!(shell.policy.matches("'sha256-").count(), 3);
        // The hash is of the text between the tags.
        let hash = STANDARD.encode(Sha256::digest(b"try {} catch {}"));
        assert!(shell.policy.contains(&hash));
    }

    #[test]
    fn what_would_ask_for_another_file_is_a_fault() {
        for (name, text) in [
            ("css/a.css", "@import \"b.css\";"),
            ("css/a.css", "a { background: url(x.png) }"),
            ("css/b.css", "</style>"),
            ("js/theme.js", "\"</script>\""),
            ("js/x.js", "import(`./${x}.js`)"),
            ("index.html", "<html>"),
            ("index.html", &PAGE.replace("stylesheet", "manifest")),
            ("index.html", &PAGE.replace("css/b.css", "css/none.css")),
            ("index.html", &PAGE.replace("\"></script>", "\">x()</script>")),
        ] {
            assert!(shell(&files(&[(name, text)]), "t").is_err(), "{name}: {text}");
        }
    }
}
