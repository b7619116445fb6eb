//! What the operations of EC2 ask of IAM.
//!
//! The action is always `ec2:OPERATION`. Resources are the ids in the request, every one of a type for what the call
//! creates, and `*` where the Service Authorization Reference lists no resource type. Operations that are newer than
//! it ask for their action on `*` too: AWS has no resource types for them that anybody could name yet.
//! `ec2.tsv` is made by `generator/ec2.py`.

mod as_caller;

use std::sync::LazyLock;

use super::form::{self, Form};
use super::rows::{Parameters, Rows, push};
use super::{BodyNeed, Condition, Mapping, MappingError, Need, Request, Resource, Unresolved};

const TEXT: &str = include_str!("ec2.tsv");

/// The table, split on first use.
pub(super) static ROWS: LazyLock<Rows> = LazyLock::new(|| Rows::read(TEXT));

/// Where an operation may tag what it creates: the parameter, and what it tags where that does not say.
static TAGGED: LazyLock<Vec<Tagged>> = LazyLock::new(|| TEXT.lines().filter_map(Tagged::read).collect());

#[derive(Debug)]
struct Tagged {
    operation: &'static str,
    path: &'static str,
    resource: &'static str,
}

pub(super) fn needs_body(request: &Request<'_>) -> BodyNeed {
    form::needs_body(request)
}

pub(super) fn map(request: &Request<'_>, body: Option<&[u8]>) -> Result<Mapping, MappingError> {
    let form = Form::read(request, body)?;
    let (name, rows) = ROWS
        .operation(form.action()?)
        .ok_or_else(|| MappingError::unknown("Action"))?;
    let mut mapping = Mapping::new(name);
    let is_tagging = matches!(name, "CreateTags" | "DeleteTags");
    mapping.required = if is_tagging {
        tagging(name, request, &form)?
    } else {
        ROWS.needs(rows, request, Parameters::Form(&form))?
    };
    if name == "RunInstances" && form.has("NetworkInterface.NetworkInterfaceId") {
        // Its subnet and groups are those of the interface.
        let is_default = |need: &Need| {
            matches!(
                need.resource,
                Resource::Unresolved(Unresolved::Unnamed("subnet" | "security-group"))
            )
        };
        mapping.required.retain(|need| !is_default(need));
    }
    if form.has_unknown_name("ec2")? {
        // AWS adds some every month: what it would do is not known, so only a statement on everything covers it.
        let parameter = Unresolved::Indirect("a parameter that is not known here");
        push(
            &mut mapping.required,
            Need::new(["ec2:", name].concat(), Resource::Unresolved(parameter)),
        )?;
    }
    mapping.hidden.extend(profile_of_template(name, &form));
    as_caller::add(name, request, &form, &mut mapping.required)?;
    for tagged in TAGGED.iter().filter(|tagged| tagged.operation == name) {
        tagged.add(request, &form, &mut mapping.required)?;
    }
    Ok(mapping)
}

/// A launch template may hold an instance profile, whose role AWS then passes to the instance as the caller.
///
/// Source: EC2 User Guide, "Grant permissions to pass an IAM role to an instance"; `CreateLaunchTemplate` is checked when
/// it names one.
fn profile_of_template(name: &str, form: &Form) -> Option<Need> {
    const TEMPLATES: [&str; 4] = [
        "LaunchTemplate",
        "LaunchTemplateConfig",
        "LaunchTemplateConfigs",
        "SpotFleetRequestConfig.LaunchTemplateConfigs",
    ];
    let launches = matches!(
        name,
        "CreateFleet"
            | "EnableFastLaunch"
            | "ModifyFleet"
            | "ModifySpotFleetRequest"
            | "RequestSpotFleet"
            | "RunInstances"
    );
    (launches && TEMPLATES.iter().any(|path| form.has(path))).then(|| {
        let profile = Unresolved::Indirect("a launch template, which may hold an instance profile");
        Need::new("iam:PassRole", Resource::Unresolved(profile)).with_condition(Condition {
            operator: "StringEquals",
            key: "iam:PassedToService",
            value: "ec2.amazonaws.com".to_owned(),
        })
    })
}

/// The action on each id of the list, whose prefix says what it is.
fn tagging(name: &'static str, request: &Request<'_>, form: &Form) -> Result<Vec<Need>, MappingError> {
    let action = if name == "CreateTags" {
        "ec2:CreateTags"
    } else {
        "ec2:DeleteTags"
    };
    let mut needs = Vec::new();
    for id in form.texts("ResourceId")? {
        let resource = match ROWS.kind_of_id(id) {
            Some(kind) => ROWS.named(kind, request, "ResourceId", id)?,
            None => Resource::Unresolved(Unresolved::Indirect("ResourceId")),
        };
        push(&mut needs, Need::new(action, resource))?;
    }
    if needs.is_empty() {
        needs.push(Need::new(
            action,
            Resource::Unresolved(Unresolved::Unnamed("ResourceId")),
        ));
    }
    Ok(needs)
}

impl Tagged {
    fn read(line: &'static str) -> Option<Self> {
        let columns: Vec<&'static str> = line.split('\t').collect();
        let ["tags", operation, path, resource] = columns.as_slice() else {
            return None;
        };
        Some(Self {
            operation,
            path,
            resource,
        })
    }

    /// `ec2:CreateTags` on what the call creates, bound to this call.
    fn add(&self, request: &Request<'_>, form: &Form, needs: &mut Vec<Need>) -> Result<(), MappingError> {
        if !form.has(self.path) {
            return Ok(());
        }
        let kinds = form.texts(&[self.path, ".ResourceType"].concat())?;
        let resources = match kinds.as_slice() {
            [] => vec![ROWS.any_of(self.resource, request)],
            kinds => kinds.iter().map(|kind| ROWS.any_of(kind, request)).collect(),
        };
        for resource in resources {
            let need = Need::new("ec2:CreateTags", resource).with_condition(Condition {
                operator: "StringEquals",
                key: "ec2:CreateAction",
                value: self.operation.to_owned(),
            });
            push(needs, need)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
