//! What a crash of the server left: found by the cookie alone, since nothing else survived.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;

use super::cookie::project_cookie;
use super::end::{self, Family, Look, Member};
use super::table::Row;
use super::{Identity, Receipt, look, table};

/// Ends every living process of this user that carries a cookie of this project. This program and
/// those it descends from are left alone: an agent may itself have started us.
pub async fn end_leftovers(project: &str, grace: Duration) -> Receipt {
    end::end(Arc::new(Project(project.to_owned())), grace).await
}

/// Who would be ended by [`end_leftovers`].
pub async fn find_leftovers(project: &str) -> Vec<Identity> {
    let project = Project(project.to_owned());
    let look = tokio::task::spawn_blocking(move || {
        let mut found: Vec<Identity> =
            project.look().members.into_iter().map(|member| member.identity).collect();
        found.sort_unstable();
        found
    });
    look.await.unwrap_or_default()
}

struct Project(String);

impl Family for Project {
    fn look(&self) -> Look {
        let table = table::read();
        let ours = look::ancestors(&table, std::process::id());
        let mut carriers: Vec<(Vec<u8>, &Row)> = table
            .values()
            .filter(|row| !row.dead && !ours.contains(&row.identity.pid))
            .filter_map(|row| {
                let environment = table::environment(row.identity.pid);
                Some((project_cookie(&environment, &self.0)?.to_vec(), row))
            })
            .collect();
        carriers.sort_by_key(|(_, row)| (row.identity.start, row.identity.pid));
        // The oldest of an agent lies in its group; the leader itself may be gone.
        let mut groups = HashMap::new();
        let members = carriers
            .into_iter()
            .map(|(cookie, row)| Member {
                identity: row.identity,
                escaped: *groups.entry(cookie).or_insert(row.group) != row.group,
            })
            .collect();
        Look { members, ..Look::default() }
    }

    fn signal_group(&self, _: Signal, _: bool) -> bool {
        // Nothing proves that a group of theirs holds no stranger.
        false
    }

    fn still(&self, identity: Identity) -> bool {
        project_cookie(&table::environment(identity.pid), &self.0).is_some()
    }
}
