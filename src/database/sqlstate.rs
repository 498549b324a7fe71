//! SQLSTATE: the code of a Postgres error, which does not depend on the language of the message (PostgreSQL's
//! documentation, appendix A).
//!
//! Diesel has kinds for some of the codes and drops the others. So `tap` writes the code in front of each
//! message. It is read from there again in this module, and people find it in the log.

use std::fmt;

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// The text between the code and the message.
pub(super) const MARK: &str = ": ";

/// The code of an error: two characters for the class, three for the condition.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct SqlState([u8; 5]);

/// A trouble with the database, as the client sees it: the request itself was not wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The database cannot answer now: it is full, is shutting down, or does not talk to us. The same request
    /// can succeed in a moment.
    Unavailable,
    /// The database takes no writes.
    ReadOnly,
    /// Somebody else changed the same data at the same moment.
    Collision,
}

/// The effect of an error on the connection that it came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Nothing,
    /// The connection is thrown away.
    Discard,
    /// The connection is thrown away, and the others to the same server are checked before they are used: the
    /// same can have happened to them.
    DiscardAndDoubt,
    /// All connections to the same server are thrown away.
    DiscardAll,
}

impl SqlState {
    /// The code of a write in a transaction, or at a server, that takes none.
    pub(crate) const READ_ONLY: Self = Self(*b"25006");

    /// The code for features that are not supported, such as a table that is not logged at a standby.
    pub(crate) const NOT_SUPPORTED: Self = Self(*b"0A000");

    /// The code for more connections than the server or the role allows.
    pub(crate) const TOO_MANY_CONNECTIONS: Self = Self(*b"53300");

    /// The code for an error that Postgres itself did not expect.
    pub(crate) const INTERNAL: Self = Self(*b"XX000");

    /// Returns the code that the text begins with; `None` if it does not begin with one.
    #[must_use]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let code = Self(*text.as_bytes().first_chunk()?);
        let is_one = code.0.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
        is_one.then_some(code)
    }

    /// Returns the code of an error of the database; `None` if the error did not come from the database.
    #[must_use]
    pub(crate) fn of(error: &DieselError) -> Option<Self> {
        match error {
            DieselError::DatabaseError(_, info) => Self::parse(info.message().split_once(MARK)?.0)
                .filter(|_| info.message().find(MARK) == Some(5)),
            DieselError::RollbackErrorOnCommit { commit_error, .. } => Self::of(commit_error),
            _ => None,
        }
    }

    /// Returns the five characters of the code.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Returns the class that the code belongs to: its first two characters.
    #[must_use]
    pub(crate) fn class(&self) -> &str {
        self.as_str().get(..2).unwrap_or_default()
    }

    fn trouble(self) -> Option<Trouble> {
        match (self.class(), self.as_str()) {
            (_, "25006") => Some(Trouble::ReadOnly),
            (_, "40003") => Some(Trouble::Unavailable),
            // Serialization failures and deadlocks: running the transaction again helps.
            ("40", _) => Some(Trouble::Collision),
            // The connection; a shortage, such as no room on the disk; an intervention, such as a shutdown or
            // a time limit; the system below, such as a disk that cannot be read.
            ("08" | "53" | "57" | "58", _) => Some(Trouble::Unavailable),
            // Time limits: for a lock, for idleness within a transaction, for a transaction.
            (_, "55P03" | "25P03" | "25P04") => Some(Trouble::Unavailable),
            // A statement was prepared before a migration, or is not known behind a pooler: on another
            // connection it works.
            (_, "0A000" | "26000" | "42P05") => Some(Trouble::Unavailable),
            _ => None,
        }
    }

    pub(super) fn effect(self, ended: bool) -> Effect {
        match (self.class(), self.as_str()) {
            (_, "25006") => Effect::DiscardAll,
            ("08", _) | (_, "57P01" | "57P02" | "57P03") => Effect::DiscardAndDoubt,
            (_, "0A000" | "26000" | "42P05") => Effect::Discard,
            _ if ended => Effect::Discard,
            _ => Effect::Nothing,
        }
    }
}

impl Trouble {
    /// Returns the trouble that an error means; `None` if it is not trouble with the database.
    #[must_use]
    pub(crate) fn of(error: &DieselError) -> Option<Self> {
        use DatabaseErrorKind::{
            ClosedConnection, ReadOnlyTransaction, SerializationFailure, UnableToSendCommand,
        };

        if let Some(code) = SqlState::of(error) {
            return code.trouble();
        }
        match error {
            // The connection ended, or was thrown away because the server was silent.
            DieselError::DatabaseError(ClosedConnection | UnableToSendCommand, _)
            | DieselError::BrokenTransactionManager => Some(Self::Unavailable),
            DieselError::DatabaseError(ReadOnlyTransaction, _) => Some(Self::ReadOnly),
            DieselError::DatabaseError(SerializationFailure, _) => Some(Self::Collision),
            DieselError::RollbackErrorOnCommit { commit_error, .. } => Self::of(commit_error),
            _ => None,
        }
    }
}

impl fmt::Display for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SqlState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SqlState({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(message: &str) -> DieselError {
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned()))
    }

    #[test]
    fn reads_the_code_and_nothing_that_looks_like_one() {
        assert_eq!(SqlState::of(&error("53100: kein Platz: /x")).unwrap().as_str(), "53100");
        for other in ["", "53100", "5310: x", "531000: x", "a3100: x", "event 53100: x", "äää: x"] {
            assert_eq!(SqlState::of(&error(other)), None, "{other}");
        }
        let commit = DieselError::RollbackErrorOnCommit {
            rollback_error: Box::new(DieselError::BrokenTransactionManager),
            commit_error: Box::new(error("40001: x")),
        };
        assert_eq!(Trouble::of(&commit), Some(Trouble::Collision));
    }

    #[test]
    fn knows_what_is_worth_another_try() {
        let trouble = |code: &str| Trouble::of(&error(&format!("{code}: text")));
        for code in [
            "08006", "53100", "53200", "53300", "53400", "57014", "57P01", "57P03", "58030", "55P03", "25P03",
        ] {
            assert_eq!(trouble(code), Some(Trouble::Unavailable), "{code}");
        }
        assert_eq!(trouble("25006"), Some(Trouble::ReadOnly));
        for code in ["40001", "40P01"] {
            assert_eq!(trouble(code), Some(Trouble::Collision), "{code}");
        }
        for code in ["23505", "22001", "42P01", "42501", "XX000", "P0001", "25P02"] {
            assert_eq!(trouble(code), None, "{code}");
        }
    }
}
