//! Story files: descriptions, and names that must not lead anywhere else.

use std::path::{Component, Path};

use sprint_runner::domain::key;
use sprint_runner::parse::story::{candidates, description, file_kind};

pub(crate) fn law(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(found) = description(&text) {
        assert!(!found.is_empty() && found.chars().count() <= 500, "{found:?}");
        assert!(!found.contains('\n'), "{found:?}");
    }
    let _ = file_kind(&text);
    let first = text.lines().next().unwrap_or_default();
    let second = text.lines().nth(1);
    for (story, epic) in [(&*text, None), (first, second), (first, Some(first))] {
        for name in candidates(story, epic) {
            let parts: Vec<_> = Path::new(&name).components().collect();
            assert!(matches!(parts[..], [Component::Normal(_)]), "{name:?}");
            assert!(name.len() <= 255 && !name.contains(['\0', '\\']), "{name:?}");
        }
        if let Some(id) = key::short_id(story, epic) {
            assert!(id.len() <= story.len(), "{id:?} of {story:?}");
        }
        let (base, _) = key::command_base(story);
        assert!(base.len() <= story.len());
        assert!(key::sort_key(story) == key::sort_key(story));
    }
}
