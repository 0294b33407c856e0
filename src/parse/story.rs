//! Story files: what a story is about, and how its files are named.

use crate::domain::key;

const DESCRIPTION_CHARS: usize = 500;

/// A story's description: the text below `## Story` (or `## User Story`, `### Story`) up to the
/// next heading, else the first lines under the title. One line, at most 500 characters.
pub fn description(text: &str) -> Option<String> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let lines: Vec<&str> = body(text).lines().map(str::trim).collect();
    let section = lines.iter().position(|line| is_story_heading(line));
    let found =
        section.map(|at| paragraphs(&lines[at + 1..], false)).filter(|text| !text.is_empty());
    let found = found.or_else(|| {
        let title = lines.iter().position(|line| line.starts_with("# "));
        let rest = title.map_or(&lines[..], |at| &lines[at + 1..]);
        Some(paragraphs(rest, true)).filter(|text| !text.is_empty())
    })?;
    Some(found.chars().take(DESCRIPTION_CHARS).collect::<String>().trim_end().to_owned())
}

/// What follows a front matter between two `---` lines.
fn body(text: &str) -> &str {
    let Some(rest) = text.strip_prefix("---").filter(|rest| rest.starts_with(['\n', '\r'])) else {
        return text;
    };
    rest.find("\n---").map_or(text, |end| {
        let after = &rest[end + 4..];
        after.find('\n').map_or("", |line_end| &after[line_end + 1..])
    })
}

fn is_story_heading(line: &str) -> bool {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    let name = line[level..].trim().trim_end_matches(':');
    (2..=3).contains(&level)
        && ["story", "user story"].iter().any(|heading| name.eq_ignore_ascii_case(heading))
}

/// The lines up to the next heading, joined; with `first`, up to the end of the first paragraph.
fn paragraphs(lines: &[&str], first: bool) -> String {
    let mut out = String::new();
    for line in lines {
        if line.starts_with('#') {
            if first && out.is_empty() {
                continue;
            }
            break;
        }
        if line.is_empty() || line.starts_with("<!--") || line.chars().all(|c| c == '-') {
            if first && !out.is_empty() {
                break;
            }
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&line.replace("**", ""));
    }
    // Stars alone are nothing: what is left of them may be blanks.
    out.trim().to_owned()
}

/// What a Markdown file of the artifacts folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A story's own file.
    Story,
    /// What was found out before it was written.
    Discovery,
    /// How it shall be built.
    TechSpec,
}

/// By the file's name.
pub fn file_kind(name: &str) -> FileKind {
    let lower = name.to_lowercase();
    if lower.contains("discovery") {
        FileKind::Discovery
    } else if lower.contains("tech-spec") {
        FileKind::TechSpec
    } else {
        FileKind::Story
    }
}

/// The names that a story's file may have, in order of preference; none for a key that must not
/// become a path.
pub fn candidates(story_key: &str, epic_key: Option<&str>) -> Vec<String> {
    if !key::is_safe_file_stem(story_key) {
        return Vec::new();
    }
    let mut names = vec![format!("{story_key}.md"), format!("sprint-{story_key}.md")];
    names.extend(key::short_id(story_key, epic_key).map(|id| format!("story-{id}.md")));
    names
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn descriptions() {
        let story = "# 1-1\r\n\r\nStatus: done\r\n\r\n## Story\r\n\r\n**As a** user,\r\nI want *x*.\r\n\r\nSo that y.\r\n\r\n## Tasks\r\n- a\r\n";
        assert_eq!(description(story).as_deref(), Some("As a user, I want *x*. So that y."));
        let front = "---\ntitle: x\n---\n# T\n\nFirst line\nsecond.\n\nAnother.\n";
        assert_eq!(description(front).as_deref(), Some("First line second."));
        assert_eq!(description("### User Story:\nText").as_deref(), Some("Text"));
        assert_eq!(description("## Story\n\n## Tasks\nx"), Some("x".to_owned()));
        assert_eq!(description(""), None);
        let long = format!("## Story\n{}", "é".repeat(600));
        assert_eq!(description(&long).unwrap().chars().count(), 500);
    }

    #[test]
    fn names() {
        assert_eq!(
            candidates("2a-1-list", Some("epic-2a")),
            ["2a-1-list.md", "sprint-2a-1-list.md", "story-2a-1.md"]
        );
        assert!(candidates("../x", None).is_empty());
        assert!(candidates(".hidden", None).is_empty());
        assert_eq!(file_kind("3a-1-discovery-story.md"), FileKind::Discovery);
        assert_eq!(file_kind("tech-spec-3a-1.md"), FileKind::TechSpec);
        assert_eq!(file_kind("3a-1.md"), FileKind::Story);
    }

    proptest! {
        #[test]
        fn total(text in "(---\n)?([#*\\-a-zé\r ]{0,12}\n){0,12}") {
            if let Some(found) = description(&text) {
                prop_assert!(found.chars().count() <= 500);
            }
        }
    }
}
