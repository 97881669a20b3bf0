//! The C functions of libstatus1to1 as they are. `status1to1.h` is their manual; the crate
//! [`status1to1`](https://docs.rs/status1to1) is made on them and has types.
//!
//! Every `*mut c_char` that a function returns is a string in UTF-8 that belongs to the caller,
//! who passes it to [`status1to1_free`]. It is never null.

#![no_std]

use core::ffi::{c_char, c_int, c_void};

/// The version of the ABI that these declarations describe; compare it with
/// [`status1to1_abi_version`].
pub const STATUS1TO1_ABI_VERSION: u32 = 1;

/// A handle of an open client: never 0, below 2^53, never used again in a process.
#[allow(non_camel_case_types)]
pub type status1to1_client = u64;

/// An event callback. `event_json` is valid during the call only. No panic may leave it.
#[allow(non_camel_case_types)]
pub type status1to1_event_fn = Option<
    unsafe extern "C" fn(client: status1to1_client, event_json: *const c_char, user_data: *mut c_void),
>;

unsafe extern "C" {
    /// The ABI version of the library.
    pub safe fn status1to1_abi_version() -> u32;

    /// The version, the build and the specifications.
    pub safe fn status1to1_info() -> *mut c_char;

    /// The OpenRPC document of all methods, events and error codes.
    pub safe fn status1to1_schema() -> *mut c_char;

    /// Opens a client and puts its handle into `out`, or 0.
    ///
    /// # Safety
    ///
    /// `config_json` is a C string, and `out` may be written to.
    pub fn status1to1_open(config_json: *const c_char, out: *mut status1to1_client) -> *mut c_char;

    /// Calls a method by name.
    ///
    /// # Safety
    ///
    /// `method` is a C string; `params_json` is one or null.
    pub fn status1to1_call(
        client: status1to1_client,
        method: *const c_char,
        params_json: *const c_char,
    ) -> *mut c_char;

    /// Waits for the next event: 0 returns at once, a negative number waits for ever.
    pub safe fn status1to1_next_event(client: status1to1_client, timeout_ms: i32) -> *mut c_char;

    /// A descriptor that is readable while events wait, or -1. It belongs to the library.
    pub safe fn status1to1_event_fd(client: status1to1_client) -> c_int;

    /// Sets the event callback, or removes it.
    ///
    /// # Safety
    ///
    /// Until another callback is set or the client is closed, `callback` may be called from a
    /// thread of the library with `user_data`, and has to return without unwinding.
    pub fn status1to1_set_event_callback(
        client: status1to1_client,
        callback: status1to1_event_fn,
        user_data: *mut c_void,
    ) -> *mut c_char;

    /// Closes a client, and waits for that.
    pub safe fn status1to1_close(client: status1to1_client) -> *mut c_char;

    /// Frees a string of this library.
    ///
    /// # Safety
    ///
    /// `s` came from this library and was not freed, or is null.
    pub fn status1to1_free(s: *mut c_char);
}
