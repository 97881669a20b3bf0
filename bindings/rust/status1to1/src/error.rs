//! What calls fail with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::types::{ErrorCategory, ErrorCode};

/// The result of a call.
pub type Result<T> = std::result::Result<T, Error>;

/// What a call failed with. Programs decide by [`code`](Error::code); the message is for people.
///
/// ```
/// use status1to1::{Client, Config, ErrorCode, StoreConfig};
///
/// let error = Client::open(Config::new(StoreConfig::new().path("/nowhere/alice.db").passphrase("..."))).unwrap_err();
/// assert_eq!(*error.code(), ErrorCode::StoreIo);
/// assert_eq!(error.details()["errno"], "ENOENT");
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error, Serialize, Deserialize)]
#[error("{}{}: {}", .0.code, self.place(), .0.message)]
#[serde(transparent)]
pub struct Error(Box<Body>);

/// The error object of JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Body {
    code: ErrorCode,
    category: ErrorCategory,
    message: String,
    retryable: bool,
    field: String,
    details: BTreeMap<String, Value>,
}

impl Error {
    /// Says which error it is.
    pub fn code(&self) -> &ErrorCode {
        &self.0.code
    }

    /// What the error is about.
    pub fn category(&self) -> &ErrorCategory {
        &self.0.category
    }

    /// The text for people.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Whether the same call may succeed later without a change.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// The path of the parameter at fault (`"network.peers[0]"`), if it is the fault of one.
    pub fn field(&self) -> Option<&str> {
        Some(self.0.field.as_str()).filter(|field| !field.is_empty())
    }

    /// More about it; what the names mean is said at [`ErrorCode`].
    pub fn details(&self) -> &BTreeMap<String, Value> {
        &self.0.details
    }

    /// Whether the client is closed, so that nothing more comes from it.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.0.code, ErrorCode::Closed | ErrorCode::BadClient)
    }

    /// An error that this crate found by itself.
    pub(crate) fn own(code: ErrorCode, category: ErrorCategory, message: String) -> Self {
        let (retryable, field, details) = (false, String::new(), BTreeMap::new());
        Error(Box::new(Body { code, category, message, retryable, field, details }))
    }

    /// An answer does not have the form that it should have. It may have a secret in it, and `error`
    /// may repeat that: only the place is told.
    pub(crate) fn unreadable(error: &serde_json::Error) -> Self {
        let message = format!("the answer of the library cannot be read at its byte {}", error.column());
        Error::own(ErrorCode::Internal, ErrorCategory::Internal, message)
    }

    fn place(&self) -> String {
        self.field().map(|field| format!(" ({field})")).unwrap_or_default()
    }
}
