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

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: u32 = 10;
    const LEADER: Identity = Identity { pid: 100, start: 1000 };

    /// Rows of (number, start, parent, group).
    fn table(rows: &[(u32, u64, u32, u32)]) -> Table {
        let row = |&(pid, start, parent, group): &(u32, u64, u32, u32)| {
            let identity = Identity { pid, start };
            (pid, Row { identity, parent, group, dead: false, ticks: 0, rss_pages: 0 })
        };
        rows.iter().map(row).collect()
    }

    fn found(table: &Table, known: &[(u32, u64)], carriers: &[u32]) -> Vec<u32> {
        let known = known.iter().map(|&(pid, start)| Identity { pid, start }).collect();
        let members =
            members(table, LEADER, &known, OWN, |row| carriers.contains(&row.identity.pid));
        members.iter().map(|row| row.identity.pid).collect()
    }

    #[test]
    fn the_group_the_carriers_and_all_that_descends_belong_to_it() {
        let table = table(&[
            (1, 1, 0, 1),
            (OWN, 500, 1, 10),
            (100, 1000, OWN, 100),
            (101, 1001, 100, 100),
            (102, 1002, 101, 102), // left the group, its parent lives
            (103, 1003, 102, 103),
            (104, 1004, OWN, 104), // orphan with the cookie
            (105, 1005, 104, 105), // its child
            (106, 1006, OWN, 106), // another agent
            (107, 1007, 106, 106),
            (108, 1008, 1, 108), // a stranger
        ]);
        assert_eq!(found(&table, &[], &[104]), [100, 101, 102, 103, 104, 105]);
        assert_eq!(found(&table, &[(108, 1008)], &[]), [100, 101, 102, 103, 108]);
    }

    #[test]
    fn a_number_given_to_another_proves_nothing() {
        let stranger = table(&[(OWN, 500, 1, 10), (100, 2000, 1, 100), (101, 2001, 100, 100)]);
        assert_eq!(found(&stranger, &[(101, 1001)], &[]), [0; 0]);
        let older = table(&[(OWN, 500, 1, 10), (101, 900, 1, 100)]);
        assert_eq!(found(&older, &[], &[101]), [0; 0], "what started before it is not its child");
    }

    #[test]
    fn without_its_leader_a_group_counts_while_one_of_it_is_known() {
        // 101 and 102 cleared their environment.
        let left = table(&[(OWN, 500, 1, 10), (101, 1001, OWN, 100), (102, 1500, 101, 100)]);
        assert_eq!(found(&left, &[(101, 1001)], &[]), [101, 102]);
        assert_eq!(found(&left, &[], &[102]), [101, 102]);
        assert_eq!(found(&left, &[], &[]), [0; 0]);
    }

    #[test]
    fn this_program_and_its_ancestors_are_never_in_it() {
        let odd = table(&[(1, 0, 0, 1), (7, 1, 1, 7), (OWN, 1500, 7, 100), (11, 1600, OWN, 10)]);
        assert_eq!(found(&odd, &[(OWN, 1500)], &[OWN]), [0; 0]);
        assert_eq!(ancestors(&odd, OWN), HashSet::from([0, 1, 7, OWN]));
        let circle = table(&[(OWN, 5, 11, 1), (11, 5, OWN, 1)]);
        assert_eq!(ancestors(&circle, OWN), HashSet::from([OWN, 11]));
    }
}
