//! Behaviours 15 to 18 together: whatever is done to the log meanwhile.

use super::{append_in_chunks, number, rows};
use crate::support::{Dice, Project, Server, eventually};

/// Waits until the log holds this many rows: what is overwritten unread is nobody's.
fn until_read(server: &Server, count: usize) {
    eventually("the rows so far", || {
        let newest = server.json("/api/events?type=command:*&limit=1");
        (newest["events"].as_array()?.iter().find_map(number)? + 1 >= count).then_some(())
    });
}

#[test]
fn b15_to_b18_ten_thousand_rows_through_replacement_truncation_and_rotation() {
    const ROWS: usize = 10_000;
    const PARTS: usize = 25;
    let project = Project::new();
    let server = Server::start(&project);
    let mut sse = server.sse("?types=command:*");
    let mut ws = server.ws("?types=command:*");
    assert_eq!(sse.next().unwrap().json["type"], "init");
    assert_eq!(ws.next().unwrap()["type"], "init");
    let all = rows(ROWS);
    let lines: Vec<&[u8]> = all.split_inclusive(|byte| *byte == b'\n').collect();
    let mut dice = Dice::new(7);
    let mut content: Vec<u8> = Vec::new();
    for (part, lines) in lines.chunks(ROWS / PARTS).enumerate() {
        let bytes = lines.concat();
        let before = part * (ROWS / PARTS);
        match dice.below(5) {
            0 => {
                content.extend(&bytes);
                project.replace("sprint-runner.csv", &content);
            }
            1 => {
                until_read(&server, before);
                content.clone_from(&bytes);
                project.write("sprint-runner.csv", &content);
            }
            2 if before > 0 => {
                until_read(&server, before);
                std::fs::rename(project.log(), project.path(&format!("old-{part}.csv"))).unwrap();
                content.clone_from(&bytes);
                append_in_chunks(&project, &bytes, &mut dice);
            }
            3 if before > 0 => {
                until_read(&server, before);
                std::fs::remove_file(project.log()).unwrap();
                content.clone_from(&bytes);
                append_in_chunks(&project, &bytes, &mut dice);
            }
            _ => {
                content.extend(&bytes);
                append_in_chunks(&project, &bytes, &mut dice);
            }
        }
    }
    let mut from_sse = Vec::new();
    let mut from_ws = Vec::new();
    while from_sse.len() < ROWS {
        from_sse.extend(number(&sse.next().expect("an event").json));
        from_ws.extend(number(&ws.next().expect("an event")));
    }
    assert_eq!(from_sse, (0..ROWS).collect::<Vec<_>>());
    assert_eq!(from_ws, from_sse);
}
