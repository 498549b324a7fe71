//! Makes absolute addresses in answers: of stories on the public site, and of paths of this instance.

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use url::Url;
use uuid::Uuid;

use crate::{context::Context, http::base_url::BaseUrl};
use crate::{
    error::{ApiError, ApiResult},
    site::{Site, uri},
};

/// The base addresses for the absolute links of an answer.
#[derive(Clone, Debug)]
pub(crate) struct Links {
    base: BaseUrl,
    site: Arc<Site>,
}

impl Links {
    /// Returns the links for an answer to a request.
    ///
    /// # Errors
    /// `400` if the request does not say which address it came to.
    pub(crate) fn of(request: &HttpRequest) -> ApiResult<Self> {
        let services = Context::services(request)
            .ok_or_else(|| ApiError::internal("the application was built without its services"))?;
        Ok(Self { base: BaseUrl::of(request)?, site: Arc::clone(&services.site) })
    }

    /// Returns the address where readers find a story: on the public site or, if there is none, in this API.
    #[must_use]
    pub(crate) fn article(&self, id: Uuid, slug: &str, language: &str) -> String {
        let on_site = self.site.article(&id.to_string(), slug, language);
        on_site.unwrap_or_else(|| self.here(&format!("/v1/articles/{slug}")))
    }

    /// Returns the address of the front page.
    #[must_use]
    pub(crate) fn home(&self) -> String {
        self.site.join("/").unwrap_or_else(|| self.here("/"))
    }

    /// Returns the name of the publication: from the settings, else the host of the front page.
    #[must_use]
    pub(crate) fn name(&self) -> String {
        if let Some(name) = self.site.name() {
            return name.to_owned();
        }
        let host = Url::parse(&self.home()).ok().and_then(|url| url.host_str().map(str::to_owned));
        host.unwrap_or_default()
    }

    /// Returns the absolute address of a path of this API.
    #[must_use]
    pub(crate) fn here(&self, path: &str) -> String {
        uri(&self.base.join(path))
    }
}

impl FromRequest for Links {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}
