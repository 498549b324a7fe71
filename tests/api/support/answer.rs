//! An answer, and what tests ask of it.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// `null` where it is no JSON.
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Answer {
    /// A header that must be there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name} in {self:?}")).to_str().unwrap()
    }

    /// Fails where the status is another one.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Fails where it is not a problem of this kind.
    #[track_caller]
    pub(crate) fn expect_problem(self, status: u16, name: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.body["type"], format!("/problems/{name}"), "{}", answer.text);
        assert_eq!(answer.body["status"], status);
        assert_eq!(answer.body["request_id"], answer.header("x-request-id"));
        answer
    }

    /// The faults of a problem: where and what, sorted.
    pub(crate) fn faults(&self) -> Vec<(String, String)> {
        let faults = self.body["errors"].as_array().unwrap_or_else(|| panic!("no errors in {}", self.text));
        let mut faults: Vec<_> = faults
            .iter()
            .map(|fault| {
                let place = fault.get("pointer").or_else(|| fault.get("parameter")).unwrap();
                (place.as_str().unwrap().to_owned(), fault["code"].as_str().unwrap().to_owned())
            })
            .collect();
        faults.sort();
        faults
    }

    /// The values of one member over a list's elements.
    pub(crate) fn each(&self, member: &str) -> Vec<&str> {
        let data = self.body["data"].as_array().unwrap_or_else(|| panic!("no list: {}", self.text));
        data.iter().map(|element| element[member].as_str().unwrap()).collect()
    }
}
