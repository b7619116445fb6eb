use crate::mapping::test_request::{TestRequest, test_request};
use crate::mapping::{BodyFraming, BodyNeed, Request, needs_body};

const HOST: &str = "ec2.eu-west-1.amazonaws.com";

fn post(form: &str) -> TestRequest {
    test_request(&format!("POST {HOST}/")).with_body(form)
}

/// By GET and by POST alike; `~TYPE/ID` stands for the ARN of an account's resource.
#[track_caller]
fn check(form: &str, want: &[&str]) {
    let want: Vec<String> = want
        .iter()
        .map(|need| need.replace('~', "arn:aws:ec2:eu-west-1:111122223333:"))
        .collect();
    let want: Vec<&str> = want.iter().map(String::as_str).collect();
    post(form).is(&want);
    test_request(&format!("GET {HOST}/?{form}")).is(&want);
    test_request(&format!("GET ec2.eu-west-1.api.aws/?{form}")).is(&want);
}

#[test]
fn ids_name_resources() {
    check(
        "Action=DescribeInstances&InstanceId.1=i-1",
        &["ec2:DescribeInstances *"],
    );
    check(
        "Action=TerminateInstances&InstanceId.1=i-1&InstanceId.2=i-2&InstanceId.3=i-1",
        &[
            "ec2:TerminateInstances ~instance/i-1",
            "ec2:TerminateInstances ~instance/i-2",
        ],
    );
    check(
        "Action=%54erminateInstances&Instance%49d.1=i%2D1",
        &["ec2:TerminateInstances ~instance/i-1"],
    );
    check(
        "Action=AttachVolume&VolumeId=vol-1&InstanceId=i-1&Device=%2Fdev%2Fsdf",
        &["ec2:AttachVolume ~instance/i-1", "ec2:AttachVolume ~volume/vol-1"],
    );
    check("Action=TerminateInstances", &["ec2:TerminateInstances ?"]);
    check(
        "Action=TerminateInstances&InstanceId.1=arn:aws:ec2:eu-west-1:111122223333:volume/v",
        &["ec2:TerminateInstances ?"],
    );
    check("Action=ReleaseAddress", &["ec2:ReleaseAddress ?"]);
    check("Action=ReleaseAddress&PublicIp=1.2.3.4", &["ec2:ReleaseAddress ?"]);
    check(
        "Action=DeleteSnapshot&SnapshotId=snap-1",
        &["ec2:DeleteSnapshot arn:aws:ec2:eu-west-1::snapshot/snap-1"],
    );
    check(
        "Action=CreateKeyPair&KeyName=a*b",
        &["ec2:CreateKeyPair ~key-pair/a${*}b"],
    );
    check(
        "Action=AssociateRouteTable&RouteTableId=rtb-1&GatewayId=vgw-1",
        &[
            "ec2:AssociateRouteTable ~route-table/rtb-1",
            "ec2:AssociateRouteTable ~vpn-gateway/vgw-1",
        ],
    );
    check("Action=AssociateKmsKeyId", &["ec2:AssociateKmsKeyId *"]);
}

#[test]
fn what_is_created_is_any_of_its_type() {
    check(
        "Action=RunInstances&ImageId=ami-1&MinCount=1&MaxCount=1&SubnetId=subnet-1&SecurityGroupId.1=sg-1\
         &IamInstanceProfile.Name=p&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=k",
        &[
            "ec2:RunInstances arn:aws:ec2:eu-west-1::image/ami-1",
            "ec2:RunInstances ~instance/*",
            "ec2:RunInstances ~network-interface/*",
            "ec2:RunInstances ~security-group/sg-1",
            "ec2:RunInstances ~subnet/subnet-1",
            "ec2:RunInstances ~volume/*",
            "iam:PassRole ?",
            "ec2:CreateTags ~instance/* if ec2:CreateAction=RunInstances",
        ],
    );
    check(
        "Action=RunInstances&ImageId=resolve:ssm:x&NetworkInterface.1.NetworkInterfaceId=eni-1",
        &[
            "ec2:RunInstances ?",
            "ec2:RunInstances ~instance/*",
            "ec2:RunInstances ~network-interface/*",
            "ec2:RunInstances ~network-interface/eni-1",
            "ec2:RunInstances ~volume/*",
        ],
    );
    check(
        "Action=CreateVolume&SnapshotId=snap-1",
        &[
            "ec2:CreateVolume arn:aws:ec2:eu-west-1::snapshot/snap-1",
            "ec2:CreateVolume ~volume/*",
        ],
    );
}

#[test]
fn the_prefix_says_what_is_tagged() {
    check(
        "Action=CreateTags&ResourceId.1=i-1&ResourceId.2=snap-2&ResourceId.3=xyz-3&Tag.1.Key=k",
        &[
            "ec2:CreateTags ~instance/i-1",
            "ec2:CreateTags arn:aws:ec2:eu-west-1::snapshot/snap-2",
            "ec2:CreateTags ?",
        ],
    );
    check("Action=DeleteTags", &["ec2:DeleteTags ?"]);
}

#[test]
fn without_an_account_nothing_becomes_a_star() {
    for form in ["Action=TerminateInstances&InstanceId.1=i-1", "Action=CreateVpc"] {
        let mapping = post(form).without_account().map().unwrap();
        assert!(
            mapping.required.iter().all(|need| need.resource.to_iam().is_none()),
            "{form}"
        );
    }
}

#[test]
fn what_could_be_read_twice_is_rejected() {
    let rejected = |form: &str, want| post(form).is_rejected(want);
    rejected("Action=DescribeVpcs&Action=DeleteVpc", "twice");
    rejected("Action=DescribeVpcs&Action.1=DeleteVpc", "Action");
    rejected("Action=DescribeVpcs&action=DeleteVpc", "twice");
    rejected("action=DescribeVpcs", "another case");
    rejected("Action=describeVpcs", "no known operation");
    rejected("Action=DescribeVpcs%00", "no known operation");
    rejected("Action=Describe%zzVpcs", "hexadecimal");
    rejected("Action=TerminateInstances&InstanceId.1=*", "InstanceId");
    rejected("Action=TerminateInstances&InstanceId.1=i-1/../*", "InstanceId");
    rejected(
        "Action=TerminateInstances&InstanceId.1=i-1&instanceId.2=i-2",
        "another case",
    );
    rejected("Action=TerminateInstances&InstanceId.1=i-1&InstanceId.1=i-2", "twice");
    test_request(&format!("POST {HOST}/?Action=DescribeVpcs"))
        .with_body("Action=DeleteVpc")
        .is_rejected("twice");
    test_request(&format!("GET {HOST}/?Action=DescribeVpcs"))
        .with_body("Action=DeleteVpc")
        .is_rejected("has no body");
    test_request(&format!("PUT {HOST}/?Action=DescribeVpcs")).is_rejected("method");
    test_request(&format!("GET {HOST}//?Action=DescribeVpcs")).is_rejected("path");
    let describe = post("Action=DescribeVpcs");
    describe
        .clone()
        .with("x-amz-target", "EC2.DeleteVpc")
        .is_rejected("header");
    describe
        .clone()
        .with("content-type", "application/json")
        .is_rejected("Content-Type");
    describe
        .with("content-type", "Application/X-WWW-Form-Urlencoded; charset=utf-8")
        .is(&["ec2:DescribeVpcs *"]);
}

#[test]
fn a_launch_template_may_hold_a_profile() {
    for form in [
        "Action=RunInstances&LaunchTemplate.LaunchTemplateId=lt-1",
        "Action=CreateFleet&LaunchTemplateConfigs.1.LaunchTemplateSpecification.LaunchTemplateName=a",
        "Action=RequestSpotFleet&SpotFleetRequestConfig.LaunchTemplateConfigs.1.LaunchTemplateSpecification.Version=1",
        "Action=ModifyFleet&FleetId=fleet-1&LaunchTemplateConfig.1.LaunchTemplateSpecification.LaunchTemplateId=lt-1",
    ] {
        let hidden = post(form).map().unwrap().hidden;
        assert!(
            hidden.len() == 1 && hidden[0].action == "iam:PassRole",
            "{form}: {hidden:?}"
        );
    }
    for form in [
        "Action=RunInstances&ImageId=ami-1",
        "Action=DeleteLaunchTemplate&LaunchTemplateId=lt-1",
    ] {
        assert_eq!(post(form).map().unwrap().hidden, [], "{form}");
    }
}

#[test]
fn only_a_body_that_counts_is_required() {
    let get = test_request(&format!("GET {HOST}/?Action=DescribeVpcs"));
    assert_eq!(needs_body(&get.as_request()), BodyNeed::No);
    for body in [BodyFraming::Length(1), BodyFraming::Unknown] {
        let framed = |request: &TestRequest| {
            needs_body(&Request {
                body,
                ..request.as_request()
            })
        };
        assert_eq!(framed(&get), BodyNeed::Empty);
        assert!(matches!(framed(&post("")), BodyNeed::UpTo(_)));
    }
    assert_eq!(needs_body(&post("").as_request()), BodyNeed::No);
}

#[test]
fn every_operation_has_a_need_whatever_it_names() {
    for name in super::ROWS.names() {
        let mapping = post(&format!("Action={name}")).map().unwrap();
        assert_eq!(mapping.operation, name);
        let action = format!("ec2:{name}");
        assert!(mapping.required.iter().any(|need| need.action == action), "{name}");
    }
    assert_eq!(super::ROWS.names().count(), 830);
}
