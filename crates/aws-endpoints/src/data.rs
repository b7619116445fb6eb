//! The tables generated from botocore, indexed once.
//!
//! `data/*.tsv` hold what `generator/generate.py` writes; their heads say from which botocore (Apache-2.0) and how to
//! make them again. Names are borrowed from the text; only names put together from templates are allocated, once.

mod index;
mod rows;

use std::collections::HashMap;
use std::sync::LazyLock;

pub(crate) use index::{FixedHost, Name};
pub(crate) use rows::{ServiceRow, fill};

/// The tables, indexed on first use, within milliseconds.
pub(crate) static TABLES: LazyLock<Tables> = LazyLock::new(Tables::build);

/// What the generated files say, ready for lookups.
#[derive(Debug)]
pub(crate) struct Tables {
    /// By endpoint prefix.
    services: HashMap<&'static str, ServiceRow>,
    /// From a service's name in the SDKs to its endpoint prefix.
    sdk_names: HashMap<&'static str, &'static str>,
    /// Whole host names that do not name their region where the pattern has it.
    fixed: HashMap<String, Vec<FixedHost>>,
    /// What may stand left of `.REGION.SUFFIX`.
    names: HashMap<String, Vec<Name>>,
}

impl Tables {
    fn build() -> Self {
        let services = rows::services();
        let sdk_names = services
            .values()
            .flat_map(|service| service.sdk_names().map(|name| (name, service.prefix)))
            .collect();
        let fixed = index::fixed_hosts(&services);
        let names = index::names(&services);
        Self {
            services,
            sdk_names,
            fixed,
            names,
        }
    }

    /// The service of this endpoint prefix, or else of this name in the SDKs.
    pub(crate) fn service(&self, name: &str) -> Option<&ServiceRow> {
        self.services
            .get(name)
            .or_else(|| self.services.get(self.sdk_names.get(name)?))
    }

    /// The readings of a whole host name that is fixed, lower case.
    pub(crate) fn fixed_host(&self, host: &str) -> &[FixedHost] {
        self.fixed.get(host).map_or(&[], Vec::as_slice)
    }

    /// The readings of what stands left of `.REGION.SUFFIX`, lower case.
    pub(crate) fn name(&self, left: &str) -> &[Name] {
        self.names.get(left).map_or(&[], Vec::as_slice)
    }

    /// Every service, in no order.
    pub(crate) fn services(&self) -> impl Iterator<Item = &ServiceRow> {
        self.services.values()
    }
}
