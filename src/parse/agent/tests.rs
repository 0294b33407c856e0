mod fixtures;
mod laws;
#[cfg(unix)]
mod programs;

use super::*;

/// When the fixtures were heard.
const NOW: i64 = 1_769_210_500_000;

/// Reads whole lines, as somebody who splits at LF hands them over.
fn hear(stream: &mut AgentStream, output: &[u8]) -> Vec<Heard> {
    let lines = output.strip_suffix(b"\n").unwrap_or(output);
    lines.split(|byte| *byte == b'\n').map(|line| stream.line(line, false, NOW)).collect()
}

fn heard(output: &str) -> (AgentStream, Vec<Heard>) {
    let mut stream = AgentStream::new(Format::StreamJson);
    let heard = hear(&mut stream, output.as_bytes());
    (stream, heard)
}

fn rows(heard: &[Heard]) -> Vec<&LogRow> {
    heard.iter().flat_map(|heard| &heard.rows).collect()
}

/// A line that ends the run.
fn result(is_error: bool, text: &str) -> String {
    let line = serde_json::json!({"type": "result", "subtype": "success", "is_error": is_error, "result": text});
    line.to_string()
}

/// A line in which the agent speaks.
fn said(text: &str) -> String {
    let content = serde_json::json!([{"type": "text", "text": text}]);
    serde_json::json!({"type": "assistant", "message": {"content": content}}).to_string()
}
