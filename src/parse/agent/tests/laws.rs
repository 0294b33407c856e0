//! Laws that hold for any output, and tables of single lines.

use proptest::prelude::*;

use crate::parse::agent::words::{MAX, SLACK};

use super::*;

#[test]
fn lines_that_are_no_stream_are_marked_and_do_no_harm() {
    let deep = "[".repeat(100_000);
    let deeper = format!("{{\"type\":{}", "{\"a\":".repeat(100_000));
    let table: &[(&[u8], LineMark)] = &[
        (b"Welcome!", LineMark::NotJson),
        (b"", LineMark::Ok),
        (b"  \t\r", LineMark::Ok),
        (b"{\"type\":\"assistant\",\"message\":{\"content\":[{\"ty", LineMark::NotJson),
        (b"[1,2]", LineMark::NotJson),
        (b"\xFF\xFE", LineMark::NotUtf8),
        (b"{\"type\":\"x\",\"y\":\"\xE9\"}", LineMark::NotUtf8),
        (b"{\"type\":7}", LineMark::Other),
        (b"{\"kind\":\"x\"}", LineMark::Other),
        (b"{\"type\":\"something-new\"}", LineMark::Other),
        (b"{\"type\":\"assistant\",\"message\":7}", LineMark::Other),
        (b"{\"type\":\"item.completed\"}", LineMark::Other),
        (b"{\"type\":\"user\",\"message\":null}", LineMark::Ok),
        (b"{\"type\":\"result\",\"x\"", LineMark::NotJson),
        (deep.as_bytes(), LineMark::NotJson),
        (deeper.as_bytes(), LineMark::NotJson),
    ];
    let mut stream = AgentStream::new(Format::StreamJson);
    for (line, mark) in table {
        let heard = stream.line(line, false, NOW);
        let shown = String::from_utf8_lossy(&line[..line.len().min(60)]).into_owned();
        assert_eq!((heard.mark, heard.done, heard.rows.len()), (*mark, false, 0), "{shown}");
    }
    assert_eq!((stream.text(), stream.started_well()), ("", false));
    assert_eq!(stream.line(b"{\"type\":\"result\"}", true, NOW).mark, LineMark::Cut);
    assert_eq!(stream.line(&vec![b'x'; MAX_LINE + 1], false, NOW).mark, LineMark::Cut);
    assert_eq!(stream.result(), None);
    // And what comes after them is read.
    let line = result(false, "ZERO ISSUES");
    assert!(stream.line(line.as_bytes(), false, NOW).done);
    assert_eq!(stream.text(), "ZERO ISSUES");
}

#[test]
fn rows_in_bad_utf_8_are_rows() {
    let line = b"{\"type\":\"tool_result\",\"content\":\"1769210400,4,4-1,dev-story,write,end,\\\"caf\xE9\\\"\"}";
    let heard = AgentStream::new(Format::StreamJson).line(line, false, NOW);
    assert_eq!((heard.rows.len(), heard.mark), (1, LineMark::NotUtf8));
}

#[test]
fn plain_text_is_assistant_text_and_rows() {
    let mut stream = AgentStream::new(Format::Text);
    assert!(!stream.started_well());
    let output = b"\x1b[32mZERO ISSUES\x1b[0m\n\n1769210400,4,4-1,dev-story,write,end\r\n\xFFbad";
    let heard = hear(&mut stream, output);
    assert_eq!(stream.text(), "ZERO ISSUES\n\n1769210400,4,4-1,dev-story,write,end\n\u{FFFD}bad\n");
    assert_eq!((rows(&heard).len(), heard[3].mark), (1, LineMark::NotUtf8));
    assert!(stream.started_well() && stream.result().is_none() && stream.failure().is_none());
    let cut = stream.line(b"1769210400,4,4-1,dev-story,write,en", true, NOW);
    assert_eq!((cut.rows.len(), cut.mark), (0, LineMark::Cut));
}

#[test]
fn a_row_from_the_future_is_given_the_present() {
    let line = r#"{"type":"tool_result","content":"1999999999,4,4-1,dev-story,write,end"}"#;
    let (_, heard) = heard(line);
    assert_eq!(rows(&heard)[0].timestamp_ms, NOW);
}

#[test]
fn only_the_last_of_much_text_is_kept() {
    let mut stream = AgentStream::new(Format::StreamJson);
    let long = said(&"é, a line\n".repeat(20_000));
    for _ in 0..40 {
        stream.line(long.as_bytes(), false, NOW);
        assert!(stream.text().len() <= MAX + SLACK);
    }
    stream.line(said("HIGHEST SEVERITY: LOW").as_bytes(), false, NOW);
    assert!(stream.text().len() > MAX / 2);
    assert!(stream.text().starts_with("[earlier text left out]\né, a line\n"));
    assert!(stream.text().ends_with("\nHIGHEST SEVERITY: LOW"));
    let mut stream = AgentStream::new(Format::Text);
    for _ in 0..4 {
        stream.line("ü".repeat(MAX_LINE / 2).as_bytes(), false, NOW);
    }
    assert!(stream.text().len() <= MAX + SLACK);
}

#[test]
fn limits_by_their_words() {
    const RESET: i64 = 1_769_228_000_000;
    let at = |hours: f64| Some(NOW + (hours * 3_600e3) as i64);
    // NOW is 23:21:40 in UTC on 23 January 2026; this is the midnight after it.
    let midnight = 1_769_212_800_000;
    let hour = 3_600_000;
    let table: &[(&str, Option<i64>)] = &[
        ("Claude AI usage limit reached|1769228000", Some(RESET)),
        ("Claude AI usage limit reached|1769228000000", Some(RESET)),
        ("Claude AI usage limit reached|1769000000", None),
        ("Claude AI usage limit reached|9999999999999999999999", None),
        ("API Error: Claude AI usage limit reached|1769228000", Some(RESET)),
        ("5-hour limit reached ∙ resets 3pm", None),
        ("5-hour limit reached · resets 2pm (Pacific/Auckland) · /upgrade to Max 20x", None),
        ("Weekly limit reached ∙ resets in 2h 5m", at(2.0 + 5.0 / 60.0)),
        ("You've hit your limit · resets 3am (Europe/Berlin)", None),
        ("You’ve hit your session limit · resets 12:50am (America/Los_Angeles)", None),
        ("You've hit your limit · resets 3am (UTC)", Some(midnight + 3 * hour)),
        ("You've hit your session limit · resets 11:30pm (UTC)", Some(midnight - hour / 2)),
        (
            "You've hit your limit · resets Jan 30, 11:30am (UTC)",
            Some(midnight + (6 * 24 + 11) * hour + hour / 2),
        ),
        ("You've hit your limit · resets Jan 22, 12am (UTC)", Some(midnight + 363 * 24 * hour)),
        ("You've hit your limit · resets Feb 30, 25am (UTC)", None),
        ("You're out of extra usage · resets 9pm", None),
        ("You've hit your usage limit. Try again in 4 days 20 hours 9 minutes.", at(116.15)),
        ("You've hit your usage limit. To get more access now, try again at 3:05 PM.", None),
        (
            "Rate limit reached for gpt-5 in organization org-x. Please try again in 11.054s.",
            at(11.054 / 3600.0),
        ),
        (
            "{\"error\":{\"type\":\"usage_limit_reached\",\"message\":\"The usage limit has been reached\",\"plan_type\":\"plus\",\"resets_at\":1769228000,\"resets_in_seconds\":17500}}",
            Some(RESET),
        ),
        ("Codex error: {\"type\":\"usage_limit_reached\",\"resets_in_seconds\":3600}", at(1.0)),
        ("[API Error: You have exhausted your daily quota on this model.]", None),
        (
            "[API Error: [{\n  \"error\": {\n    \"code\": 429,\n    \"message\": \"Your quota will reset after 1h0m0s.\",\n    \"status\": \"RESOURCE_EXHAUSTED\"\n  }\n}\n]]",
            at(1.0),
        ),
        (
            "Error: 429 {\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"This request would exceed your account's rate limit. Please try again later.\"}}",
            None,
        ),
    ];
    for (message, resets) in table {
        let (stream, _) = heard(&result(true, message));
        let limit = stream.limit().unwrap_or_else(|| panic!("{message}"));
        assert_eq!(limit.resets_at_ms, *resets, "{message}");
        let mut stream = AgentStream::new(Format::StreamJson);
        stream.line(b"", false, NOW);
        stream.stderr(message.as_bytes());
        assert_eq!(stream.limit().map(|limit| limit.resets_at_ms), Some(*resets), "{message}");
    }
    for message in [
        "",
        "Reached maximum number of turns (40)",
        "The tests of the usage limit reached their end",
        "I wrote: Claude AI usage limit reached|1769228000",
        "The banner \"5-hour limit reached\" is shown now",
        "Attempt 1 failed: You have exhausted your capacity on this model. Retrying after 6173ms...",
        "You have exhausted your patience? Retrying after 5s",
        "No capacity available for model gemini-3-flash-preview on the server",
        "Approaching usage limit · resets at 7pm",
    ] {
        let (stream, _) = heard(&result(true, message));
        assert_eq!(stream.limit(), None, "{message}");
    }
}

#[test]
fn limits_count_only_where_they_ended_the_run() {
    let words = "You've hit your limit · resets 3am (UTC)";
    let limited = |lines: &[String]| heard(&lines.join("\n")).0.limit().is_some();
    let tool = r#"{"type":"tool_result","content":"ok"}"#.to_owned();
    let refused = |status: &str, more: bool| {
        format!(
            r#"{{"type":"rate_limit_event","rate_limit_info":{{"status":"{status}","resetsAt":1769228000,"isUsingOverage":{more}}}}}"#
        )
    };
    assert!(limited(&[said(words), result(true, "")]));
    assert!(limited(&[said(words), result(true, "API Error")]));
    assert!(limited(&[result(false, words)]));
    assert!(limited(&[tool.clone(), result(true, words)]));
    assert!(limited(&[refused("rejected", false), result(true, "")]));
    assert!(limited(&[refused("rejected", false)]));
    // The agent's own words in a run that went on, or ended well.
    assert!(!limited(&[said(words)]));
    assert!(!limited(&[said("First."), said(words), result(true, "")]));
    assert!(!limited(&[tool.clone(), result(false, words)]));
    assert!(!limited(&[said(words), said("ZERO ISSUES"), result(false, "ZERO ISSUES")]));
    // Refused for a while, then let through; or let through for money.
    assert!(!limited(&[refused("rejected", false), refused("allowed", false), result(true, "x")]));
    assert!(!limited(&[refused("rejected", false), tool, result(true, "x")]));
    assert!(!limited(&[refused("rejected", true), result(true, "x")]));
    assert!(!limited(&[refused("rejected", false), result(false, "fine")]));
    let mut text = AgentStream::new(Format::Text);
    text.line(words.as_bytes(), false, NOW);
    assert!(text.limit().is_some());
    text.line(b"is what it would say", false, NOW);
    assert_eq!(text.limit(), None);
}

#[test]
fn failures_by_what_is_on_standard_error() {
    for (stderr, expected) in [
        (
            "error: unknown option '--frobnicate'\n",
            "the agent does not know an option: error: unknown option '--frobnicate'",
        ),
        (
            "error: unexpected argument '--x' found\n\nUsage: codex",
            "the agent does not know an option: error: unexpected argument '--x' found",
        ),
        (
            "Options:\n  -p\n\nUnknown argument: x\n",
            "the agent does not know an option: Unknown argument: x",
        ),
        ("Not logged in. Run codex login.", "not logged in: Not logged in. Run codex login."),
        ("first\n\x1b[31mlast words\x1b[0m\n\n", "last words"),
    ] {
        let mut stream = AgentStream::new(Format::StreamJson);
        stream.stderr(stderr.as_bytes());
        assert_eq!(stream.failure().as_deref(), Some(expected));
        stream.line(result(false, "well").as_bytes(), false, NOW);
        assert_eq!(stream.failure(), None);
    }
    let mut stream = AgentStream::new(Format::StreamJson);
    assert_eq!(stream.failure(), None);
    for chunk in "é flood of words\n".repeat(60_000).as_bytes().chunks(7) {
        stream.stderr(chunk);
    }
    assert_eq!(stream.failure().as_deref(), Some("é flood of words"));
    stream.line(br#"{"type":"error","message":"the last word"}"#, false, NOW);
    assert_eq!(stream.failure().as_deref(), Some("the last word"));
}

/// Pieces of which lines are made that come close to real ones.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(r#"{"type":"result","is_error":true,"result":""#.to_owned()),
        Just(r#"{"type":"assistant","message":{"content":[{"type":"text","text":""#.to_owned()),
        Just(r#"{"type":"user","message":{"content":[{"type":"tool_result","content":"#.to_owned()),
        Just(r#"{"type":"item.completed","item":{"type":"agent_message","text":""#.to_owned()),
        Just("\"}".to_owned()),
        Just("\"}]}}".to_owned()),
        Just("[{\"type\":\"text\",\"text\":null}]".to_owned()),
        Just("limit reached|17692280000".to_owned()),
        Just("you've hit your limit · resets in 99999999999999999999h 1e3m".to_owned()),
        Just("resets feb 29, 12am (utc)".to_owned()),
        Just("1769210400,4,4-1,dev,write,end\\n".to_owned()),
        Just("\u{1b}[3\u{1b}]0;".to_owned()),
        any::<String>(),
    ]
}

proptest! {
    /// Nothing makes it panic or grow, and every answer can be asked for at any time.
    #[test]
    fn total(lines in prop::collection::vec((prop::collection::vec(piece(), 0..6), prop::collection::vec(any::<u8>(), 0..8), any::<bool>()), 0..12), now: i64, text: bool) {
        let mut stream = AgentStream::new(if text { Format::Text } else { Format::StreamJson });
        for (pieces, bytes, cut) in lines {
            let mut line = pieces.concat().into_bytes();
            line.extend(bytes);
            stream.stderr(&line);
            let heard = stream.line(&line, cut, now);
            prop_assert!(heard.said.is_none_or(|said| said.chars().count() <= MAX_SAID + 1));
            let _ = (stream.limit(), stream.failure(), stream.usage(), stream.started_well());
        }
    }

    /// Any JSON is answered.
    #[test]
    fn any_json(words in prop::collection::vec(prop_oneof![
        Just("type"), Just("message"), Just("content"), Just("text"), Just("result"), Just("usage"),
        Just("item"), Just("error"), Just("assistant"), Just("item.completed"), Just("user"),
        Just("tool_result"), Just("rate_limit_event"), Just("permission_denials"), Just("system"),
    ], 0..40), shape in prop::collection::vec(0_u8..5, 0..40)) {
        let mut value = serde_json::Value::Null;
        for (word, shape) in words.iter().zip(&shape) {
            value = match shape {
                0 => serde_json::json!({"type": word, "message": value, "item": value}),
                1 => serde_json::json!([value, word]),
                2 => serde_json::json!({*word: value, "type": "result"}),
                3 => serde_json::json!({"type": word, "content": [{"type": "tool_result", *word: value}]}),
                _ => serde_json::json!(word),
            };
            if value.to_string().len() > 100_000 {
                break;
            }
        }
        let mut stream = AgentStream::new(Format::StreamJson);
        stream.line(value.to_string().as_bytes(), false, NOW);
        let _ = (stream.limit(), stream.failure());
    }

    /// Rows are found wherever lines end, whatever stands between them.
    #[test]
    fn every_row_of_a_result_is_a_row(lines in prop::collection::vec((any::<bool>(), "[ -~]{0,30}", any::<bool>()), 0..20), list: bool) {
        let mut expected = Vec::new();
        let mut output = String::new();
        for (is_row, noise, crlf) in lines {
            if is_row {
                expected.push(format!("task-{}", expected.len()));
                output += &format!("1769210400,4,4-1,dev-story,{},progress", expected[expected.len() - 1]);
            } else {
                output += &format!("  {noise}");
            }
            output += if crlf { "\r\n" } else { "\n" };
        }
        let content = if list { serde_json::json!([{"type": "text", "text": output}]) } else { serde_json::json!(output) };
        let line = serde_json::json!({"type": "user", "message": {"content": [{"type": "tool_result", "content": content}]}});
        let (_, heard) = heard(&line.to_string());
        let tasks: Vec<String> = rows(&heard).iter().map(|row| row.task.clone()).collect();
        prop_assert_eq!(tasks, expected);
    }
}
