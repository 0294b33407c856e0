//! Discord's webhooks: one embed, which nobody is mentioned by.

use serde_json::{Value, json};

use super::super::message::Message;

const TITLE: usize = 256;
const DESCRIPTION: usize = 4000;
const GREEN: u32 = 0x2E_A0_43;
const AMBER: u32 = 0xD2_99_22;

pub(super) fn body(message: &Message) -> Value {
    let colour = if message.good { GREEN } else { AMBER };
    let mut embed = json!({
        "title": escaped(&message.title, TITLE),
        "description": escaped(&message.body(), DESCRIPTION),
        "color": colour,
    });
    if let (Some(link), Some(embed)) = (&message.link, embed.as_object_mut()) {
        embed.insert("url".to_owned(), json!(link));
    }
    json!({
        "username": "Sprint Runner",
        "allowed_mentions": { "parse": [] },
        "embeds": [embed],
    })
}

/// A backslash before a mark takes its meaning away, that of an address too.
fn escaped(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut count = 0;
    let mut chars = text.chars().peekable();
    let mut begins = true;
    while let Some(c) = chars.next() {
        let mark = match c {
            '\\' | '*' | '_' | '~' | '|' | '`' | '>' | '<' | '#' | '[' | ']' | '(' | ')' | '@' => {
                true
            }
            // Of lists, and of addresses.
            '-' | '+' => begins,
            ':' => chars.peek() == Some(&'/'),
            _ => false,
        };
        let wide = if mark { 2 } else { 1 };
        if count + wide >= most {
            out.push('…');
            break;
        }
        if mark {
            out.push('\\');
        }
        out.push(c);
        count += wide;
        begins = c == '\n' || begins && c == ' ';
    }
    out
}
