//! The library that was found has the functions as they are declared.

use status1to1_sys::*;
use std::ffi::CStr;

#[test]
fn the_library_has_the_functions() {
    assert_eq!(status1to1_abi_version(), STATUS1TO1_ABI_VERSION);
    let mut client = 7;
    // SAFETY: the configuration is a C string, and client can be written to.
    let answer = unsafe { status1to1_open(c"{".as_ptr(), &mut client) };
    // SAFETY: the answer is a C string.
    let text = unsafe { CStr::from_ptr(answer) };
    assert!(text.to_str().unwrap().contains("\"bad_json\""));
    // SAFETY: the answer is not used any more.
    unsafe { status1to1_free(answer) };
    assert_eq!((client, status1to1_event_fd(client)), (0, -1));
}
