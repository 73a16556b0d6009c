//! What is to be overwritten.

use std::fmt;
use std::sync::Arc;

type Test = dyn Fn(&[u8], i64) -> bool + Send + Sync;

/// Tells of a message's bytes, and of the time in microseconds since 1970 at which they were
/// written, whether they are to be overwritten; clones share it.
#[derive(Clone)]
pub struct Holds(Arc<Test>);

impl Holds {
    /// Takes what tells.
    pub fn new(test: impl Fn(&[u8], i64) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(test))
    }

    pub(crate) fn test(&self, body: &[u8], time_us: i64) -> bool {
        (self.0)(body, time_us)
    }
}

impl fmt::Debug for Holds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Holds").finish_non_exhaustive()
    }
}
