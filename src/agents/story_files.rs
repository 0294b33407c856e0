//! Which files belong to a story: by name, its id as a whole word, never a guess.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::domain::key;
use crate::parse::story::{FileKind, file_kind};
use crate::project::layout::Layout;

/// So many names of one folder are looked at.
const MOST_NAMES: usize = 50_000;

/// Words that a file's name may carry around the story's id.
const MARKS: [&str; 4] = ["tech-spec", "discovery", "sprint", "story"];

/// Where finished stories' files are moved to.
const ARCHIVE: &str = "archived-artifacts";

/// A story's key and its epic's key.
pub type StoryKey = (String, Option<String>);

/// The names that a story's files are to be given, so that they are known again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The story's own file.
    pub story: String,
    /// What discovery finds.
    pub discovery: String,
    /// The tech spec.
    pub tech_spec: String,
}

/// The names for a key's files; none for a key that must not become a path.
pub fn names(story_key: &str, epic_key: Option<&str>) -> Option<Names> {
    if !key::is_safe_file_stem(story_key) {
        return None;
    }
    let id = key::short_id(story_key, epic_key).filter(|id| key::is_safe_file_stem(id));
    // A key that holds one of the words itself would make all its files look like that kind.
    let pick = |kind: FileKind, by_key: String, by_id: Option<String>| {
        if file_kind(&by_key) == kind {
            return by_key;
        }
        by_id.filter(|name| file_kind(name) == kind).unwrap_or(by_key)
    };
    let by_id = |before: &str, after: &str| id.as_ref().map(|id| format!("{before}{id}{after}"));
    Some(Names {
        story: pick(FileKind::Story, format!("{story_key}.md"), by_id("story-", ".md")),
        discovery: pick(
            FileKind::Discovery,
            format!("{story_key}-discovery.md"),
            by_id("", "-discovery.md"),
        ),
        tech_spec: pick(
            FileKind::TechSpec,
            format!("tech-spec-{story_key}.md"),
            by_id("tech-spec-", ".md"),
        ),
    })
}

/// The folder that finished stories' files are moved to.
pub fn archive_folder(layout: &Layout) -> PathBuf {
    layout.root.join("_bmad-output").join(ARCHIVE)
}

/// Whether a file lies in such a folder.
pub fn is_archived(path: &Path) -> bool {
    path.parent().and_then(Path::file_name).is_some_and(|name| name == ARCHIVE)
}

/// The story's files in the artifacts folder and its `stories/`, sorted by path: what is moved
/// when it is done. `all_keys` are the sprint's stories with their epics' keys.
pub fn story_files(
    layout: &Layout,
    story_key: &str,
    epic_key: Option<&str>,
    all_keys: &[StoryKey],
) -> Vec<(PathBuf, FileKind)> {
    let owners = Owners::new(story_key, epic_key, all_keys);
    found_in(layout, &live_folders(layout), &owners)
}

/// The same, and from the archive what is not found there: no kind comes from both.
pub fn known_files(
    layout: &Layout,
    story_key: &str,
    epic_key: Option<&str>,
    all_keys: &[StoryKey],
) -> Vec<(PathBuf, FileKind)> {
    let owners = Owners::new(story_key, epic_key, all_keys);
    let mut found = found_in(layout, &live_folders(layout), &owners);
    let archived = found_in(layout, &archives(layout), &owners);
    let missing: Vec<_> = archived
        .into_iter()
        .filter(|(_, kind)| found.iter().all(|(_, known)| known != kind))
        .collect();
    found.extend(missing);
    found
}

/// Whether somebody has written a tech spec for the story.
pub fn has_tech_spec(
    layout: &Layout,
    story_key: &str,
    epic_key: Option<&str>,
    all_keys: &[StoryKey],
) -> bool {
    let files = known_files(layout, story_key, epic_key, all_keys);
    files.iter().any(|(_, kind)| *kind == FileKind::TechSpec)
}

fn live_folders(layout: &Layout) -> Vec<PathBuf> {
    vec![layout.artifacts.clone(), layout.artifacts.join("stories")]
}

fn archives(layout: &Layout) -> Vec<PathBuf> {
    let mut folders = vec![archive_folder(layout)];
    if let Some(parent) = layout.artifacts.parent().filter(|it| it.starts_with(&layout.root)) {
        let beside = parent.join(ARCHIVE);
        if !folders.contains(&beside) {
            folders.push(beside);
        }
    }
    folders
}

fn found_in(layout: &Layout, folders: &[PathBuf], owners: &Owners) -> Vec<(PathBuf, FileKind)> {
    let mut found = BTreeSet::new();
    for folder in folders.iter().filter(|folder| layout.allows(folder)) {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        for entry in entries.take(MOST_NAMES).filter_map(Result::ok) {
            let name = entry.file_name();
            let kind = name.to_str().and_then(|name| owners.kind_of(name));
            let path = entry.path();
            if let Some(kind) = kind.filter(|_| is_ours(layout, &path)) {
                found.insert((path, kind as u8));
            }
        }
    }
    let kinds = [FileKind::Story, FileKind::Discovery, FileKind::TechSpec];
    let kind = |number: u8| kinds.into_iter().find(|kind| *kind as u8 == number);
    found.into_iter().filter_map(|(path, number)| Some((path, kind(number)?))).collect()
}

fn is_ours(layout: &Layout, path: &Path) -> bool {
    layout.allows(path) && fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
}

/// One story among all: says which names are its own.
struct Owners {
    key: String,
    id: Option<String>,
    /// All keys in small letters, with their ids; this story's is among them.
    all: Vec<(String, Option<String>)>,
}

impl Owners {
    fn new(story_key: &str, epic_key: Option<&str>, all_keys: &[StoryKey]) -> Self {
        let entry = |key: &str, epic: Option<&str>| {
            (key.to_lowercase(), key::short_id(key, epic).map(|id| id.to_lowercase()))
        };
        let key = story_key.to_lowercase();
        let mut all: Vec<_> =
            all_keys.iter().map(|(key, epic)| entry(key, epic.as_deref())).collect();
        if all.iter().all(|(known, _)| *known != key) {
            all.push(entry(story_key, epic_key));
        }
        let id = all.iter().find(|(known, _)| *known == key).and_then(|(_, id)| id.clone());
        Self { key, id, all }
    }

    /// What a file of this name is to the story; none when it belongs to another or to nobody.
    fn kind_of(&self, name: &str) -> Option<FileKind> {
        let stem = name.to_lowercase().strip_suffix(".md")?.to_owned();
        // Most names are not this story's; only the others are worth asking all keys about.
        if !stem.contains(&self.key) && !self.id.as_ref().is_some_and(|id| stem.contains(id)) {
            return None;
        }
        let kind = file_kind(name);
        let forms = forms(&stem);
        // Exactly a key, the fewest words taken away: `login-discovery` may be a story's key.
        for form in &forms {
            if let Some((owner, _)) = self.all.iter().find(|(key, _)| key == form.text) {
                let kind = if form.only_story { FileKind::Story } else { kind };
                return (*owner == self.key).then_some(kind);
            }
        }
        let owner = forms.iter().find_map(|form| self.by_number(form.text, kind))?;
        (owner == Owner::Key(&self.key)).then_some(kind)
    }

    /// Whose number `text` is or begins with.
    fn by_number(&self, text: &str, kind: FileKind) -> Option<Owner<'_>> {
        let numbered = self.all.iter().filter_map(|(key, id)| Some((key, id.as_deref()?)));
        // A story's own file has no further words: `2-1-notes.md` is no story.
        let fits = |word: &str| text == word || (kind != FileKind::Story && begins(text, word));
        let longest = numbered.clone().filter(|(_, id)| fits(id)).map(|(_, id)| id.len()).max()?;
        let whole = numbered.clone().filter(|(key, _)| fits(key)).max_by_key(|(key, _)| key.len());
        if let Some((key, _)) = whole {
            return Some(Owner::Key(key));
        }
        let mut owners = numbered.filter(|(_, id)| fits(id) && id.len() == longest);
        match (owners.next(), owners.next()) {
            (Some((key, _)), None) => Some(Owner::Key(key)),
            _ => Some(Owner::Several),
        }
    }
}

/// Whose a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner<'a> {
    /// This story's.
    Key(&'a str),
    /// That of several stories, none of which is guessed.
    Several,
}

/// A file's stem with some of the words around it taken away.
struct Form<'a> {
    text: &'a str,
    /// Nothing was taken away but what a story's own file may carry.
    only_story: bool,
}

/// All forms of a stem, the fewest words taken away first.
fn forms(stem: &str) -> Vec<Form<'_>> {
    let mut forms = vec![Form { text: stem, only_story: true }];
    let mut next = 0;
    while let Some(Form { text, only_story }) = forms.get(next) {
        let (text, only_story) = (*text, *only_story);
        next += 1;
        for mark in MARKS {
            let story = only_story && matches!(mark, "sprint" | "story");
            let front = text.strip_prefix(mark).map(|rest| (rest.strip_prefix(['-', '_']), story));
            let back = text.strip_suffix(mark).map(|rest| (rest.strip_suffix(['-', '_']), false));
            for (rest, only_story) in front.into_iter().chain(back) {
                let new = rest.filter(|rest| forms.iter().all(|known| known.text != *rest));
                forms.extend(new.map(|text| Form { text, only_story }));
            }
        }
    }
    forms
}

/// Whether `text` begins with `word` as a whole word: `3a-1` is not in `3a-10`, `3a-1b`, `3a-1.5`.
fn begins(text: &str, word: &str) -> bool {
    let Some(rest) = text.strip_prefix(word) else { return false };
    let mut after = rest.chars();
    match (after.next(), after.next()) {
        (Some('.'), Some(digit)) => !digit.is_ascii_digit(),
        (Some(next), _) => !next.is_alphanumeric(),
        (None, _) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(list: &[(&str, &str)]) -> Vec<StoryKey> {
        list.iter().map(|(key, epic)| ((*key).to_owned(), Some((*epic).to_owned()))).collect()
    }

    fn sprint() -> Vec<StoryKey> {
        keys(&[
            ("3a-1-list", "epic-3a"),
            ("3a-10-detail", "epic-3a"),
            ("2-1-c", "epic-2"),
            ("2-1-d", "epic-2"),
            ("5-sr-3-core-loop", "epic-5-sr"),
            ("4-1-service-discovery", "epic-4"),
            ("bare-slug", "epic-9"),
            ("Login", "epic-9"),
        ])
    }

    #[test]
    fn a_file_belongs_to_one_story_or_to_none() {
        use FileKind::{Discovery, Story, TechSpec};
        let sprint = sprint();
        for (name, owner) in [
            ("3a-1-list.md", Some(("3a-1-list", Story))),
            ("sprint-3a-1-list.md", Some(("3a-1-list", Story))),
            ("story-3a-1.md", Some(("3a-1-list", Story))),
            ("3A-1-LIST.md", Some(("3a-1-list", Story))),
            ("3a-1.md", Some(("3a-1-list", Story))),
            ("3a-1-discovery-story.md", Some(("3a-1-list", Discovery))),
            ("3a-1-list-discovery.md", Some(("3a-1-list", Discovery))),
            ("3a-1-old-name-discovery.md", Some(("3a-1-list", Discovery))),
            ("sprint-discovery-3a-1.md", Some(("3a-1-list", Discovery))),
            ("tech-spec-3a-1.md", Some(("3a-1-list", TechSpec))),
            ("tech-spec-3a-1-list.md", Some(("3a-1-list", TechSpec))),
            ("3a-1-tech-spec.md", Some(("3a-1-list", TechSpec))),
            ("story-3a-10.md", Some(("3a-10-detail", Story))),
            ("tech-spec-3a-10.md", Some(("3a-10-detail", TechSpec))),
            ("3a-10-discovery.md", Some(("3a-10-detail", Discovery))),
            ("tech-spec-3a-100.md", None),
            ("tech-spec-3a-1b.md", None),
            ("tech-spec-3a-1.5.md", None),
            ("tech-spec-13a-1.md", None),
            ("tech-spec-1-3a-1.md", None),
            ("tech-spec-epic-3a.md", None),
            ("3a-1-notes.md", None),
            ("3a-1-list.txt", None),
            ("2-1-c.md", Some(("2-1-c", Story))),
            ("2-1-d-discovery.md", Some(("2-1-d", Discovery))),
            ("tech-spec-2-1-c-v2.md", Some(("2-1-c", TechSpec))),
            // Both stories have the id 2-1.
            ("story-2-1.md", None),
            ("tech-spec-2-1.md", None),
            ("tech-spec-2-1-e.md", None),
            ("tech-spec-5-sr-3.md", Some(("5-sr-3-core-loop", TechSpec))),
            ("4-1-service-discovery.md", Some(("4-1-service-discovery", Story))),
            ("4-1-service-discovery-discovery.md", Some(("4-1-service-discovery", Discovery))),
            ("story-4-1.md", Some(("4-1-service-discovery", Story))),
            ("bare-slug.md", Some(("bare-slug", Story))),
            ("tech-spec-bare-slug.md", Some(("bare-slug", TechSpec))),
            ("bare-slug-guide.md", None),
            ("tech-spec-bare-slug-guide.md", None),
            ("login.md", Some(("Login", Story))),
            ("sprint-status.md", None),
            ("discovery.md", None),
            (".md", None),
            ("sprint-.md", None),
        ] {
            let owners: Vec<_> = sprint
                .iter()
                .filter_map(|(key, epic)| {
                    let kind = Owners::new(key, epic.as_deref(), &sprint).kind_of(name)?;
                    Some((key.as_str(), kind))
                })
                .collect();
            assert_eq!(owners, Vec::from_iter(owner), "{name}");
        }
    }

    #[test]
    fn what_agents_are_told_to_write_is_known_again() {
        let sprint = sprint();
        for (key, epic) in &sprint {
            let names = names(key, epic.as_deref()).unwrap();
            let owners = Owners::new(key, epic.as_deref(), &sprint);
            for (name, kind) in [
                (&names.story, FileKind::Story),
                (&names.discovery, FileKind::Discovery),
                (&names.tech_spec, FileKind::TechSpec),
            ] {
                assert_eq!(owners.kind_of(name), Some(kind), "{name}");
                assert_eq!(file_kind(name), kind, "{name}");
            }
        }
        assert_eq!(names("a/b", None), None);
        assert_eq!(names("../x", None), None);
    }

    #[test]
    fn live_files_come_before_archived_ones() {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        let artifacts = root.join("_bmad-output/implementation-artifacts");
        for path in [
            "implementation-artifacts/stories/3a-1-list.md",
            "implementation-artifacts/3a-1-discovery.md",
            "archived-artifacts/3a-1-list.md",
            "archived-artifacts/tech-spec-3a-1.md",
            "archived-artifacts/tech-spec-3a-10.md",
        ] {
            let path = root.join("_bmad-output").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        fs::create_dir(artifacts.join("story-3a-1.md")).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", artifacts.join("tech-spec-3a-1-x.md")).unwrap();
        let layout = Layout::discover(&root, &crate::project::layout::Named::default());
        let shown = |files: Vec<(PathBuf, FileKind)>| -> Vec<String> {
            files.iter().map(|(path, _)| layout.display_name(path)).collect()
        };
        let (key, epic) = ("3a-1-list", Some("epic-3a"));
        let live = [
            "_bmad-output/implementation-artifacts/3a-1-discovery.md",
            "_bmad-output/implementation-artifacts/stories/3a-1-list.md",
        ];
        assert_eq!(shown(story_files(&layout, key, epic, &sprint())), live);
        let known = shown(known_files(&layout, key, epic, &sprint()));
        assert_eq!(known[..2], live);
        assert_eq!(known[2..], ["_bmad-output/archived-artifacts/tech-spec-3a-1.md"]);
        assert!(is_archived(&root.join(&known[2])) && !is_archived(&root.join(&known[0])));
        assert!(has_tech_spec(&layout, key, epic, &sprint()));
        assert!(!has_tech_spec(&layout, "2-1-c", Some("epic-2"), &sprint()));
    }
}
