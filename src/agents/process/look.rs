//! Which rows of the table belong to an agent: pure, so that every odd family can be put to it.

use std::collections::{HashMap, HashSet};

use super::Identity;
use super::table::{Row, Table};

/// The agent's own, dead ones too; never `own`, this program.
///
/// `known` are those found at an earlier look. `carries` tells whether a process has the agent's
/// cookie; it is asked as rarely as possible, since an environment has to be read for it.
pub(super) fn members<'a>(
    table: &'a Table,
    leader: Identity,
    known: &HashSet<Identity>,
    own: u32,
    mut carries: impl FnMut(&Row) -> bool,
) -> Vec<&'a Row> {
    // All that descends from the leader started after it: the rest of the machine is no question.
    let young = || {
        table.values().filter(|row| row.identity.start >= leader.start && row.identity.pid != own)
    };
    let mut found: HashMap<u32, &Row> = HashMap::new();
    for row in young() {
        let proven = row.identity == leader || known.contains(&row.identity);
        if proven || (!row.dead && carries(row)) {
            found.insert(row.identity.pid, row);
        }
    }
    // A number is not given out again while it is a group's: one of ours in it proves them all.
    if found.values().any(|row| row.group == leader.pid) {
        for row in young().filter(|row| row.group == leader.pid) {
            found.insert(row.identity.pid, row);
        }
    }
    loop {
        let children: Vec<&Row> = young()
            .filter(|row| !found.contains_key(&row.identity.pid) && found.contains_key(&row.parent))
            .collect();
        if children.is_empty() {
            break;
        }
        found.extend(children.into_iter().map(|row| (row.identity.pid, row)));
    }
    let mut members: Vec<&Row> = found.into_values().collect();
    members.sort_by_key(|row| row.identity);
    members
}

/// This program and those it descends from: never to be ended by it.
pub(super) fn ancestors(table: &Table, own: u32) -> HashSet<u32> {
    let mut line = HashSet::new();
    let mut next = own;
    while line.insert(next) {
        match table.get(&next) {
            Some(row) => next = row.parent,
            None => break,
        }
    }
    line
}
