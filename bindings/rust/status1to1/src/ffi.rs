//! Calls of the C functions, with answers that are freed.

use std::ffi::{CStr, CString, c_char};
use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use status1to1_sys as sys;

use crate::error::{Error, Result};
use crate::types::{ErrorCategory, ErrorCode};

/// A string of the library.
struct Answer(*mut c_char);

impl Answer {
    fn bytes(&self) -> &[u8] {
        // SAFETY: the library returns C strings, which stay until they are freed.
        unsafe { CStr::from_ptr(self.0) }.to_bytes()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        // SAFETY: the string came from the library and is freed here only.
        unsafe { sys::status1to1_free(self.0) }
    }
}

/// The envelope around each result.
#[derive(Deserialize)]
#[serde(bound = "R: DeserializeOwned")]
struct Envelope<R> {
    #[serde(default = "Option::default")]
    result: Option<R>,
    error: Option<Error>,
}

/// What an envelope holds; nothing if its result is null.
pub(crate) fn open_envelope<R: DeserializeOwned>(text: &[u8]) -> Result<Option<R>> {
    let envelope: Envelope<R> = serde_json::from_slice(text).map_err(|error| Error::unreadable(&error))?;
    match envelope.error {
        Some(error) => Err(error),
        None => Ok(envelope.result),
    }
}

/// The result of a call, which is never null.
fn result_of<R: DeserializeOwned>(answer: &Answer) -> Result<R> {
    let missing =
        || Error::own(ErrorCode::Internal, ErrorCategory::Internal, "the answer has no result".into());
    open_envelope(answer.bytes())?.ok_or_else(missing)
}

/// A result that says nothing.
#[derive(Deserialize)]
struct Nothing {}

/// The parameters of a method that takes none.
#[derive(Serialize)]
pub(crate) struct NoParams {}

/// The handle of a client, which may be closed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Handle(pub(crate) u64);

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Handle {
    /// Opens a client. The handle is 0 if that fails.
    pub(crate) fn open<R: DeserializeOwned>(config: &impl Serialize) -> (Handle, Result<R>) {
        let config = match to_json(config) {
            Ok(text) => text,
            Err(error) => return (Handle(0), Err(error)),
        };
        let mut handle = 0;
        // SAFETY: config is a C string, and handle may be written to.
        let answer = Answer(unsafe { sys::status1to1_open(config.as_ptr(), &mut handle) });
        (Handle(handle), result_of(&answer))
    }

    /// Calls a method.
    pub(crate) fn call<R: DeserializeOwned>(
        self,
        method: &CStr,
        params: &(impl Serialize + ?Sized),
    ) -> Result<R> {
        let params = to_json(params)?;
        // SAFETY: both are C strings.
        result_of(&Answer(unsafe { sys::status1to1_call(self.0, method.as_ptr(), params.as_ptr()) }))
    }

    /// Calls a method whose result says nothing.
    pub(crate) fn run(self, method: &CStr, params: &(impl Serialize + ?Sized)) -> Result<()> {
        self.call(method, params).map(|Nothing {}| ())
    }

    /// Waits for an event; a negative time is for ever.
    pub(crate) fn next_event<R: DeserializeOwned>(self, timeout_ms: i32) -> Result<Option<R>> {
        open_envelope(Answer(sys::status1to1_next_event(self.0, timeout_ms)).bytes())
    }

    /// The descriptor that is readable while events wait; -1 if the client is closed.
    pub(crate) fn event_fd(self) -> i32 {
        sys::status1to1_event_fd(self.0)
    }

    /// Sets or removes the callback, which finds what to do by the handle.
    pub(crate) fn set_event_callback(self, callback: sys::status1to1_event_fn) -> Result<()> {
        // SAFETY: the callback uses no user_data, is a function of this program, and does not unwind.
        let answer =
            Answer(unsafe { sys::status1to1_set_event_callback(self.0, callback, std::ptr::null_mut()) });
        open_envelope::<Nothing>(answer.bytes()).map(|_| ())
    }

    /// Closes the client.
    pub(crate) fn close(self) -> Result<()> {
        open_envelope::<Nothing>(Answer(sys::status1to1_close(self.0)).bytes()).map(|_| ())
    }
}

/// JSON for the library. It has no NUL: JSON writes that as an escape.
fn to_json(value: &(impl Serialize + ?Sized)) -> Result<CString> {
    let unusable = |what: String| Error::own(ErrorCode::BadJson, ErrorCategory::Request, what);
    let text = serde_json::to_vec(value).map_err(|error| unusable(error.to_string()))?;
    CString::new(text).map_err(|error| unusable(error.to_string()))
}

/// What the library says of itself.
pub(crate) fn info<R: DeserializeOwned>() -> Result<R> {
    result_of(&Answer(sys::status1to1_info()))
}

/// The OpenRPC document.
pub(crate) fn schema<R: DeserializeOwned>() -> Result<R> {
    result_of(&Answer(sys::status1to1_schema()))
}

/// Checks that the library that was loaded has the functions as they are declared.
pub(crate) fn check_abi() -> Result<()> {
    let (found, needed) = (sys::status1to1_abi_version(), sys::STATUS1TO1_ABI_VERSION);
    if found == needed {
        return Ok(());
    }
    let message = format!("the library that was loaded has ABI version {found}, this crate needs {needed}");
    Err(Error::own(ErrorCode::Internal, ErrorCategory::Internal, message))
}
