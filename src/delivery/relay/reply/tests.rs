//! Replies as the large receivers and the usual servers word them.

use super::*;
use Refusal::{
    Away, BadAddress, BreaksOff, MailboxBusy, Permanent, Policy, RateLimited, Temporary,
};
use Stage::{Data, Mail, Rcpt};

#[track_caller]
fn check(stage: Stage, reply: &str, expected: Refusal) {
    let (code, text) = reply.split_once(' ').unwrap_or((reply, ""));
    let refusal = classify(stage, code.parse().unwrap(), text);
    assert_eq!(refusal, expected, "{stage:?} {reply}");
}

#[track_caller]
fn check_all(stage: Stage, expected: Refusal, replies: &[&str]) {
    for reply in replies {
        check(stage, reply, expected);
    }
}

#[test]
fn a_mailbox_that_is_not_there_is_a_bad_address() {
    check_all(
        Rcpt,
        BadAddress,
        &[
            "550 5.1.1 The email account that you tried to reach does not exist. Please try \
             double-checking the recipient's email address for typos - gsmtp",
            "550 5.2.1 The email account that you tried to reach is inactive. - gsmtp",
            "550 5.1.2 We weren't able to find the recipient domain. - gsmtp",
            "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).",
            "550 5.4.1 Recipient address rejected: Access denied. AS(201806281) \
             [AM0EUR02FT012.eop-EUR02.prod.protection.outlook.com]",
            "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
            "550 5.1.1 <ann@example.net>: Recipient address rejected: User unknown in local \
             recipient table",
            "550 5.1.6 recipient no longer on server",
            "501 5.1.3 Bad recipient address syntax",
            "550 sorry, no mailbox here by that name (#5.1.1)",
            "511 sorry, no mailbox here by that name (#5.1.1 - chkuser)",
            "550 Requested action not taken: mailbox unavailable For explanation visit \
             https://postmaster.example/case?c=r0101&i=ip&v=policy",
            "550 No such user here",
            "550 Unknown user",
            "550 Message was not accepted -- invalid mailbox. Local mailbox ann@example.net is \
             unavailable: user not found",
            "553 5.3.0 <ann@example.net>... User unknown",
            "556 5.1.10 Domain does not accept mail (nullMX)",
            "556 domain does not accept mail",
            "550 <spam.policy@example.net>: user unknown",
        ],
    );
    check_all(
        Data,
        BadAddress,
        &[
            "554 delivery error: dd This user doesn't have a yahoo.com account \
             (ann@yahoo.com) [0] - mta4012.mail.example",
            "552 1 Requested mail action aborted, mailbox not found",
            "550 5.1.1 no such mailbox",
        ],
    );
}

#[test]
fn authentication_policy_and_reputation_are_about_the_sender() {
    let replies = [
        "550 5.7.26 This mail has been blocked because the sender is unauthenticated. - gsmtp",
        "550 5.7.25 The IP address sending this message does not have a PTR record. - gsmtp",
        "550 5.7.1 Our system has detected that this message is likely unsolicited mail. To \
         reduce the amount of spam sent to Gmail, this message has been blocked. - gsmtp",
        "550 5.7.515 Access denied, sending domain example.org does not meet the required \
         authentication level.",
        "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your \
         Internet service provider since part of their network is on our block list (S3150).",
        "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in \
         Spamhaus's list",
        "554 5.7.9 Message not accepted for policy reasons.",
        "554 5.7.1 <ann@example.net>: Relay access denied",
        "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
        "550 5.1.8 Sender address rejected: Domain not found",
        "550 5.7.28 Gmail has detected an unusual rate of unsolicited mail. - gsmtp",
        "550 relay not permitted",
        "550 Administrative prohibition",
        "550 Verification failed for <news@example.org> Called: 192.0.2.1 Response: 550 5.1.1 no \
         such user Sender verify failed",
        "550 Email from 192.0.2.1 is currently blocked",
        "554 Transaction failed Reject due to policy restrictions.",
        "554 Message rejected: Email address is not verified.",
        "554 DT:SPM 163 smtp5,D9GowAA",
        "550 User unknown, and your address is blacklisted",
        "550 5.7.0 Local policy: user unknown",
    ];
    for stage in [Mail, Rcpt, Data] {
        check_all(stage, Policy, &replies);
    }
    check(
        Rcpt,
        "550 5.1.1 <ann@example.net>: Recipient address rejected: undeliverable address: host \
         mx.example.net said: 554 5.7.1 192.0.2.1 is blocked using zen.spamhaus.org",
        Policy,
    );
}

#[test]
fn whatever_is_said_to_mail_is_said_of_us() {
    check_all(
        Mail,
        Policy,
        &[
            "550 5.1.1 User unknown",
            "550 no such user",
            "553 5.1.7 bad sender address",
            "550 5.2.1 mailbox disabled",
            "556 no",
            "550",
            "554 no",
        ],
    );
    check_all(
        Mail,
        Permanent,
        &[
            "552 5.3.4 Message size exceeds fixed limit",
            "552 message size exceeds fixed maximum message size",
            "555 5.5.4 Unsupported option: RET=HDRS",
            "501 syntax error",
        ],
    );
}

#[test]
fn a_mailbox_that_is_full_is_there() {
    check_all(
        Rcpt,
        MailboxBusy,
        &[
            "452 4.2.2 The email account that you tried to reach is over quota. - gsmtp",
            "552 5.2.2 The email account that you tried to reach is over quota. - gsmtp",
            "554 5.2.2 mailbox full",
            "550 mailbox is full",
            "552 Requested mail action aborted: exceeded storage allocation",
            "552 too many recipients",
            "450 4.2.0 <ann@example.net>: Recipient address rejected: Greylisted",
            "450 4.2.1 The user you are trying to contact is receiving mail too quickly. - gsmtp",
            "550 5.2.1 The user you are trying to contact is receiving mail at a rate that \
             prevents additional messages from being delivered. - gsmtp",
            "450 4.1.1 <ann@example.net>: Recipient address rejected: unverified address",
            "450 4.1.2 <ann@example.invalid>: Recipient address rejected: Domain not found",
        ],
    );
}

#[test]
fn what_passes_is_temporary() {
    check_all(
        Rcpt,
        Temporary,
        &[
            "452 4.5.3 Too many recipients",
            "550 5.5.3 too many recipients",
            "452",
            "552",
            "550 5.3.1 mail system full",
            "451 4.7.1 Greylisting in action, please come back later",
            "451 4.4.3 Temporary server error. Please try again later",
            "450 no such user",
            "451 Temporary local problem - please try later",
            "503 5.5.1 Sender not yet given",
        ],
    );
}

#[test]
fn who_sends_too_much_is_told_so_in_many_ways() {
    check_all(
        Rcpt,
        RateLimited,
        &[
            "421 4.7.28 Gmail has detected an unusual rate of mail. - gsmtp",
            "450 4.7.28 come back",
            "421 4.7.0 Our system has detected an unusual rate of unsolicited mail - gsmtp",
            "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected \
             volume or user complaints - 4.16.55.1",
            "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP \
             reputation.",
            "451 4.7.652 The mail server [192.0.2.1] has exceeded the maximum number of \
             connections.",
            "454 Throttling failure: Maximum sending rate exceeded.",
            "454 Throttling failure: Daily message quota exceeded.",
            "450 4.7.1 Error: too much mail from 192.0.2.1",
            "450 4.7.1 <ann@example.net>: Policy Rejection- Quota Exceeded.",
            "550 5.4.5 Daily SMTP relay sending limit exceeded for customer. - gsmtp",
            "550 Ip frequency limited",
            "451 4.4.5 Server busy, try again later. - gsmtp",
        ],
    );
}

#[test]
fn a_relay_that_takes_nothing_at_present_is_away() {
    for (stage, refusal) in [(Mail, Away), (Rcpt, BreaksOff), (Data, BreaksOff)] {
        check_all(
            stage,
            refusal,
            &[
                "421 4.3.2 Service shutting down",
                "421 4.4.5 Server busy, try again later. - gsmtp",
                "421",
                "530 5.7.0 Authentication required",
                "530 5.7.1 Client was not authenticated",
                "535 5.7.8 Authentication credentials invalid",
                "454 4.7.0 Temporary authentication failure",
                "454 4.7.1 <ann@example.net>: Relay access denied",
                "521 5.3.2 host does not accept mail",
            ],
        );
    }
    check_all(
        Mail,
        Away,
        &[
            "452 4.3.1 Insufficient system storage",
            "452 Insufficient system storage",
            "451 4.3.5 Server configuration error",
            "503 Error: need EHLO and AUTH first !",
            "550 5.3.2 system not accepting network messages",
        ],
    );
    check(Rcpt, "452 4.3.1 Insufficient system storage", Temporary);
}

#[test]
fn whatever_else_is_permanent_is_about_the_message() {
    check_all(
        Rcpt,
        Permanent,
        &[
            "550",
            "554 no",
            "550 5.4.4 Unable to route: Host or domain name not found",
            "550 5.4.1 No answer from host",
            "554 5.4.6 Too many hops",
            "550 Unrouteable address",
            "551 User not local",
            "553 sorry",
            "550 #5.1.0 Address rejected.",
            "501 5.5.4 Invalid arguments",
            "550 5.7.1 No such user!",
        ],
    );
    check_all(
        Data,
        Permanent,
        &[
            "552 5.3.4 Message too big",
            "554 5.6.0 Message content rejected",
            "550 5.6.7 SMTPUTF8 needed",
            "550 mailbox unavailable",
            "554 Transaction failed",
        ],
    );
}

#[test]
fn a_code_counts_where_it_is_a_code() {
    let find = |text: &str| Status::find(text).map(|status| (status.subject, status.detail));
    assert_eq!(find("5.1.1 gone"), Some((1, 1)));
    assert_eq!(find("5.7.515"), Some((7, 515)));
    assert_eq!(find("#5.1.0 Address rejected."), Some((1, 0)));
    assert_eq!(find("no mailbox (#5.1.1)"), Some((1, 1)));
    for text in [
        "",
        "no code",
        "5.1 short",
        "5.1.1.9 is an address",
        "3.1.1 has no class",
        "host 192.0.2.1 said 5.1.1",
        "5.1.1000 too long",
        "5..1 empty",
        "#",
    ] {
        assert_eq!(find(text), None, "{text}");
    }
}
