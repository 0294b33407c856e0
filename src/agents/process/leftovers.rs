//! What a crash of the server left, found by the cookie alone, since nothing else survived; and what
//! a batch left, orphans without a cookie included.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;

use super::cookie::{has_inherited_cookie, project_cookie};
use super::end::{self, Family, Look, Member};
use super::table::Row;
use super::{Identity, Receipt, look, reaper, table, under_way};

/// Ends every living process of this user that carries a cookie of this project. This program and
/// those it descends from are left alone: an agent may itself have started us.
pub async fn end_leftovers(project: &str, grace: Duration) -> Receipt {
    end::end(Arc::new(Project { name: project.to_owned(), orphans: false }), grace).await
}

/// The same at the end of a batch. When no other is under way in this program, orphans that came to
/// us and carry no cookie of the project are some agent's that let go of its environment, and end
/// too. Beside another project's batch they may be its agents', at work: they wait for that one's
/// end.
pub async fn end_batch_leftovers(project: &str, grace: Duration) -> Receipt {
    end::end(Arc::new(Project { name: project.to_owned(), orphans: true }), grace).await
}

/// Who would be ended by [`end_leftovers`].
pub async fn find_leftovers(project: &str) -> Vec<Identity> {
    let project = Project { name: project.to_owned(), orphans: false };
    let look = tokio::task::spawn_blocking(move || {
        let mut found: Vec<Identity> =
            project.look().members.into_iter().map(|member| member.identity).collect();
        found.sort_unstable();
        found
    });
    look.await.unwrap_or_default()
}

struct Project {
    name: String,
    /// Orphans without a cookie count as well.
    orphans: bool,
}

impl Project {
    /// Whether this process is nobody else's: it came to us, and its cookie, if it has any, is not
    /// the one that we were started with ourselves.
    fn is_orphan(&self, row: &Row, environment: &[u8]) -> bool {
        self.orphans
            && !under_way::any()
            && !has_inherited_cookie(environment)
            && reaper::is_left_behind(row)
    }
}

impl Family for Project {
    fn look(&self) -> Look {
        let table = table::read();
        let ours = look::ancestors(&table, std::process::id());
        let mut carriers: Vec<(Vec<u8>, &Row)> = table
            .values()
            .filter(|row| !row.dead && !ours.contains(&row.identity.pid))
            .filter_map(|row| {
                let environment = table::environment(row.identity.pid);
                let cookie = project_cookie(&environment, &self.name).map(<[u8]>::to_vec);
                // Without one it has left every group there was.
                let orphan = || self.is_orphan(row, &environment).then(Vec::new);
                Some((cookie.or_else(orphan)?, row))
            })
            .collect();
        carriers.sort_by_key(|(_, row)| (row.identity.start, row.identity.pid));
        // The oldest of an agent lies in its group; the leader itself may be gone.
        let mut groups = HashMap::new();
        let members = carriers
            .into_iter()
            .map(|(cookie, row)| Member {
                identity: row.identity,
                escaped: cookie.is_empty()
                    || *groups.entry(cookie).or_insert(row.group) != row.group,
            })
            .collect();
        Look { members, ..Look::default() }
    }

    fn signal_group(&self, _: Signal, _: bool) -> bool {
        // Nothing proves that a group of theirs holds no stranger.
        false
    }

    fn still(&self, identity: Identity) -> bool {
        let environment = table::environment(identity.pid);
        project_cookie(&environment, &self.name).is_some()
            || table::row(identity.pid).is_some_and(|row| self.is_orphan(&row, &environment))
    }
}
