//! Events passed to closures. The library gets no pointer to a closure, but looks it up by its
//! client: whatever order calls and removals come in, a closure that runs is kept until it returns.

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::event::Event;
use crate::ffi::Handle;

type Function = Arc<dyn Fn(Event) + Send + Sync>;

static FUNCTIONS: Mutex<BTreeMap<Handle, Function>> = Mutex::new(BTreeMap::new());

fn functions() -> MutexGuard<'static, BTreeMap<Handle, Function>> {
    FUNCTIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sets the closure of a client.
pub(crate) fn set(handle: Handle, function: impl Fn(Event) + Send + Sync + 'static) -> Result<()> {
    let before = functions().insert(handle, Arc::new(function));
    let result = handle.set_event_callback(Some(invoke));
    if result.is_err() && before.is_none() {
        forget(handle);
    }
    result
}

/// Takes the closure of a client away.
pub(crate) fn remove(handle: Handle) -> Result<()> {
    let result = handle.set_event_callback(None);
    forget(handle);
    result
}

/// Drops the closure of a client that calls it no more. The lock is released before that: what is
/// dropped with it may be another client.
pub(crate) fn forget(handle: Handle) {
    let function = functions().remove(&handle);
    drop(function);
}

/// What the library calls. Nothing may unwind into it.
unsafe extern "C" fn invoke(client: u64, event_json: *const c_char, _user_data: *mut c_void) {
    let _ = catch_unwind(AssertUnwindSafe(|| {
        let handle = Handle(client);
        let function = functions().get(&handle).cloned();
        // SAFETY: the library passes a C string that is valid during this call.
        let text = unsafe { CStr::from_ptr(event_json) };
        if let (Some(function), Ok(Some(event))) = (function, Event::from_json(handle, text.to_bytes())) {
            function(event);
        }
    }));
}
