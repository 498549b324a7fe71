//! The budget of memory for request bodies: the bytes that the process keeps at a time.

use std::{
    collections::{HashMap, hash_map},
    sync::{Arc, Mutex, PoisonError},
};

use uuid::Uuid;

/// The budget of a process, in bytes.
const TOTAL: usize = 64 * 1024 * 1024;

/// The part of the budget that only small bodies can use, so that nobody's large bodies stop everybody's
/// small ones.
const FOR_SMALL: usize = 16 * 1024 * 1024;

/// The most of the budget that one editor's large bodies can take.
const PER_EDITOR: usize = 16 * 1024 * 1024;

/// The longest body that counts as small, in bytes.
pub const SMALL: usize = 64 * 1024;

/// The bytes of request bodies that are kept at present. Clones share the count.
#[derive(Clone, Debug, Default)]
pub struct BodyBudget(Arc<Mutex<Used>>);

#[derive(Debug, Default)]
struct Used {
    total: usize,
    by_editor: HashMap<Uuid, usize>,
}

/// The reason why there is no room for more of a body now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoom {
    /// The process keeps as many bytes as it can.
    Full,
    /// The editor's bodies take as many bytes as one editor's can.
    TooMuchOfEditor,
}

impl BodyBudget {
    /// Begins to count a body of an editor, or of somebody without a token.
    #[must_use]
    pub fn begin(&self, editor: Option<Uuid>) -> Reservation {
        Reservation { budget: self.clone(), editor, bytes: 0 }
    }

    fn used(&self) -> std::sync::MutexGuard<'_, Used> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the number of bytes that are kept.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.used().total
    }
}

/// The bytes of one body. Dropping it gives them back.
#[derive(Debug)]
pub struct Reservation {
    budget: BodyBudget,
    editor: Option<Uuid>,
    bytes: usize,
}

impl Reservation {
    /// Counts the body with this many bytes in all.
    ///
    /// # Errors
    /// Returns [`NoRoom`] if there is no room for the additional bytes; the bytes counted before stay
    /// counted.
    pub fn grow_to(&mut self, bytes: usize) -> Result<(), NoRoom> {
        let more = bytes.saturating_sub(self.bytes);
        let mut used = self.budget.used();
        let is_small = bytes <= SMALL;
        let most = if is_small { TOTAL } else { TOTAL - FOR_SMALL };
        if used.total + more > most {
            return Err(NoRoom::Full);
        }
        if let Some(editor) = self.editor {
            let own = used.by_editor.entry(editor).or_default();
            if !is_small && *own + more > PER_EDITOR {
                return Err(NoRoom::TooMuchOfEditor);
            }
            *own += more;
        }
        used.total += more;
        self.bytes += more;
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut used = self.budget.used();
        used.total -= self.bytes;
        let Some(editor) = self.editor else { return };
        if let hash_map::Entry::Occupied(mut own) = used.by_editor.entry(editor) {
            *own.get_mut() -= self.bytes;
            if *own.get() == 0 {
                own.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    #[test]
    fn one_editor_does_not_take_the_room_of_others() {
        let budget = BodyBudget::default();
        let [one, other] = [1, 2].map(Uuid::from_u128);
        let mut held: Vec<_> = (0..8).map(|_| budget.begin(Some(one))).collect();
        held.iter_mut().for_each(|body| body.grow_to(2 * MIB).unwrap());
        let mut more = budget.begin(Some(one));
        assert_eq!(more.grow_to(2 * MIB), Err(NoRoom::TooMuchOfEditor));
        // A small one goes through, and so does another editor's.
        more.grow_to(SMALL).unwrap();
        budget.begin(Some(other)).grow_to(2 * MIB).unwrap();
        drop(held);
        more.grow_to(2 * MIB).unwrap();
        assert_eq!(budget.bytes(), 2 * MIB);
        drop(more);
        assert_eq!(budget.bytes(), 0);
        assert!(budget.used().by_editor.is_empty());
    }

    #[test]
    fn large_bodies_leave_room_for_small_ones() {
        let budget = BodyBudget::default();
        let mut held = Vec::new();
        let full = loop {
            let mut body = budget.begin(Some(Uuid::from_u128(held.len() as u128)));
            if let Err(full) = body.grow_to(2 * MIB) {
                break full;
            }
            held.push(body);
        };
        assert_eq!((full, held.len()), (NoRoom::Full, 24));
        let mut small = budget.begin(None);
        small.grow_to(SMALL).unwrap();
        assert_eq!(small.grow_to(SMALL + 1), Err(NoRoom::Full));
    }
}
