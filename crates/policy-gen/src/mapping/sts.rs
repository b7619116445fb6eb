//! What the operations of STS ask of IAM.
//!
//! Source: the Service Authorization Reference of STS, and the API reference for what needs no permission.

use auth_model::RoleArn;

use super::form::{self, Form};
use super::rows::is_id;
use super::{BodyNeed, Mapping, MappingError, Need, Request, Resource, Unresolved};

pub(super) fn needs_body(request: &Request<'_>) -> BodyNeed {
    form::needs_body(request)
}

pub(super) fn map(request: &Request<'_>, body: Option<&[u8]>) -> Result<Mapping, MappingError> {
    let form = Form::read(request, body)?;
    let (operation, required) = match form.action()? {
        // Whoever is asked who they are may hear it: no policy is looked at.
        "GetCallerIdentity" => ("GetCallerIdentity", Vec::new()),
        // AWS looks at no policy, but what hands out keys of the connection's own user is never free here.
        "GetSessionToken" => any("GetSessionToken", "sts:GetSessionToken"),
        "AssumeRole" => ("AssumeRole", assume_role(&form)?),
        "AssumeRoleWithSAML" => {
            let need = Need::new("sts:AssumeRoleWithSAML", role(&form)?);
            ("AssumeRoleWithSAML", vec![need])
        }
        "AssumeRoleWithWebIdentity" => {
            let need = Need::new("sts:AssumeRoleWithWebIdentity", role(&form)?);
            ("AssumeRoleWithWebIdentity", vec![need])
        }
        "AssumeRoot" => ("AssumeRoot", vec![Need::new("sts:AssumeRoot", root(request, &form)?)]),
        "DecodeAuthorizationMessage" => any("DecodeAuthorizationMessage", "sts:DecodeAuthorizationMessage"),
        "GetAccessKeyInfo" => any("GetAccessKeyInfo", "sts:GetAccessKeyInfo"),
        "GetDelegatedAccessToken" => any("GetDelegatedAccessToken", "sts:GetDelegatedAccessToken"),
        "GetFederationToken" => ("GetFederationToken", federation_token(request, &form)?),
        "GetWebIdentityToken" => {
            let (operation, mut needs) = any("GetWebIdentityToken", "sts:GetWebIdentityToken");
            if form.has("Tags") {
                needs.push(Need::new("sts:TagGetWebIdentityToken", Resource::Any));
            }
            (operation, needs)
        }
        _ => return Err(MappingError::unknown("Action")),
    };
    let mut mapping = Mapping::new(operation);
    mapping.required = required;
    if form.has_unknown_name("sts")? {
        let parameter = Unresolved::Indirect("a parameter that is not known here");
        let need = Need::new(["sts:", operation].concat(), Resource::Unresolved(parameter));
        mapping.required.push(need);
    }
    Ok(mapping)
}

fn any(operation: &'static str, action: &'static str) -> (&'static str, Vec<Need>) {
    (operation, vec![Need::new(action, Resource::Any)])
}

fn assume_role(form: &Form) -> Result<Vec<Need>, MappingError> {
    let role = role(form)?;
    let mut needs = vec![Need::new("sts:AssumeRole", role.clone())];
    for (parameter, action) in [
        ("Tags", "sts:TagSession"),
        ("SourceIdentity", "sts:SetSourceIdentity"),
        ("ProvidedContexts", "sts:SetContext"),
    ] {
        if form.has(parameter) {
            needs.push(Need::new(action, role.clone()));
        }
    }
    Ok(needs)
}

fn federation_token(request: &Request<'_>, form: &Form) -> Result<Vec<Need>, MappingError> {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
    let user = match (form.texts("Name")?.as_slice(), request.account) {
        ([name], Some(account)) if (2..=32).contains(&name.len()) && name.bytes().all(is_allowed) => {
            let partition = request.partition();
            Resource::Exact(format!("arn:{partition}:sts::{account}:federated-user/{name}"))
        }
        ([], _) => Resource::Unresolved(Unresolved::Unnamed("Name")),
        ([_], None) => Resource::Unresolved(Unresolved::Account),
        _ => {
            return Err(MappingError::malformed(
                "Name",
                "it is 2 to 32 of A-Z, a-z, 0-9 and '_+=,.@-'",
            ));
        }
    };
    let mut needs = vec![Need::new("sts:GetFederationToken", user.clone())];
    if form.has("Tags") {
        needs.push(Need::new("sts:TagSession", user));
    }
    Ok(needs)
}

fn role(form: &Form) -> Result<Resource, MappingError> {
    match form.texts("RoleArn")?.as_slice() {
        [] => Ok(Resource::Unresolved(Unresolved::Unnamed("RoleArn"))),
        [arn] if arn.parse::<RoleArn>().is_ok() => Ok(Resource::Exact((*arn).to_owned())),
        [name] if is_id(name) => Ok(Resource::Unresolved(Unresolved::Indirect("a name"))),
        _ => Err(MappingError::malformed("RoleArn", "it is one role's ARN")),
    }
}

/// The root user of the account that the target names, by its number or its ARN.
fn root(request: &Request<'_>, form: &Form) -> Result<Resource, MappingError> {
    let partition = request.partition();
    let targets = form.texts("TargetPrincipal")?;
    let [target] = targets.as_slice() else {
        return Ok(Resource::Unresolved(Unresolved::Unnamed("TargetPrincipal")));
    };
    let prefix = format!("arn:{partition}:iam::");
    let account = target
        .strip_prefix(prefix.as_str())
        .and_then(|rest| rest.strip_suffix(":root"));
    let account = account.unwrap_or(target);
    if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
        let reason = "it is an account's 12 digits or the ARN of its root user";
        return Err(MappingError::malformed("TargetPrincipal", reason));
    }
    Ok(Resource::Exact(format!("arn:{partition}:iam::{account}:root")))
}

#[cfg(test)]
mod tests;
