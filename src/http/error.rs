//! Errors as the API shows them.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use warp::http::{HeaderValue, StatusCode, header};
use warp::reply::{Reply, Response};

macro_rules! codes {
    ($($name:ident = $word:literal, $status:ident, $meaning:literal;)*) => {
        /// The closed list of what can be wrong with a request.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code {
            $(#[doc = $meaning] $name,)*
        }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The HTTP status.
            pub const fn status(self) -> StatusCode {
                match self {
                    $(Self::$name => StatusCode::$status,)*
                }
            }

            /// The word in the answer.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// What it means, for the document.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => $meaning,)*
                }
            }
        }
    };
}

codes! {
    BadRequest = "bad_request", BAD_REQUEST, "path, query or body are not as described";
    Unauthorized = "unauthorized", UNAUTHORIZED, "the server wants its token";
    Forbidden = "forbidden", FORBIDDEN, "from another site's page, or the server is read-only";
    NotFound = "not_found", NOT_FOUND, "there is nothing of that name";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "not for this address";
    Conflict = "conflict", CONFLICT, "not in the present state";
    TooLarge = "too_large", PAYLOAD_TOO_LARGE, "the body is larger than 64 KiB";
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE,
        "the body is not sent as application/json";
    Misdirected = "misdirected", MISDIRECTED_REQUEST, "the server has no such host name";
    Busy = "busy", SERVICE_UNAVAILABLE, "not just now; try again";
    Internal = "internal", INTERNAL_SERVER_ERROR, "the server's fault; its log says why";
}

/// What every refusal carries.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Error")]
pub(super) struct Refusal {
    /// One sentence for people.
    error: String,
    /// For programs.
    #[schemars(with = "Code")]
    code: &'static str,
}

impl JsonSchema for Code {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Code".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<&str> = Self::ALL.iter().map(|code| code.word()).collect();
        json_schema!({ "type": "string", "enum": words })
    }
}

/// `{"error": message, "code": word}` with the code's status.
pub fn error_reply(code: Code, message: impl Into<String>) -> Response {
    // Two texts: encoding cannot fail.
    let refusal = Refusal { error: message.into(), code: code.word() };
    let body = serde_json::to_string(&refusal).unwrap_or_default();
    let mut reply = body.into_response();
    *reply.status_mut() = code.status();
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}
