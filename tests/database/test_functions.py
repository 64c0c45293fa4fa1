"""Every function that looks past the policies is known, with its callers, and cannot be led astray."""

# Each function that looks past the policies, and who may call it. None: only others of them, or a trigger.
DOORS = {
    "access_sources": "admin worker",
    "cut_order": "admin",
    "give_access": "admin",
    "my_access_sources": "member admin",
    "note_provider_event": "anonymous",
    "note_timings": "web worker",
    "open_checkout": "member admin",
    "open_connections": "admin",
    "paid_coverage": "worker",
    "auth.ask_address": "member admin",
    "auth.ask_reset": "worker",
    "auth.begin_second_factor": "member admin",
    "auth.change_address": "member admin",
    "auth.close_account": "member admin",
    "auth.drop_second_factor": "member admin",
    "auth.family_plan_id": "member",
    "auth.forget_hits": "anonymous member admin",
    "auth.give_back": "anonymous member admin",
    "auth.hit": "web",
    "auth.keep_second_factor": "member admin",
    "auth.new_recovery_codes": "member admin",
    "auth.open_sign_in": "anonymous member admin",
    "auth.own_password": "member admin",
    "auth.own_second_factor": "member admin",
    "auth.password_of": "anonymous member admin",
    "auth.prove": "anonymous member admin",
    "auth.redeem": "anonymous member admin",
    "auth.rehash": "anonymous member admin",
    "auth.reset_second_factor": "worker",
    "auth.second_factor": "anonymous member admin",
    "auth.set_own_password": "member admin",
    "auth.set_standing": "admin worker",
    "auth.sign_up": "anonymous member admin",
    "auth.sign_up_again": "anonymous member admin",
    "auth.whoami": "web",
    "accept_invitation": "member admin",
    "all_of_us": None,
    "answer_meeting": "member admin",
    "answer_together": "member admin",
    "boards": "web member admin",
    "check_membership": None,
    "check_primary": None,
    "close_family": None,
    "close_presences": "worker",
    "correct_attendance": "admin",
    "count_members": None,
    "count_seats": None,
    "decide_request": "member admin",
    "decline_invitation": "anonymous member admin",
    "dissolve_family": "member admin",
    "end_lapsed_family": "worker",
    "entitled": "worker",
    "family_attendance": "member admin",
    "family_invitations": "member admin",
    "family_people": "member admin",
    "follow_series": "admin",
    "former_family": "member admin",
    "guests_of": "member admin",
    "hold_family": "worker",
    "hold_series": "admin worker",
    "invitations_today": None,
    "invite_guests": "member admin",
    "invite_host": None,
    "invite_to_family": "member admin",
    "join_meeting": "member admin",
    "keep_an_admin": None,
    "lapse_offers": None,
    "mail_standing": "admin worker",
    "leave_family": "member admin",
    "leave_meeting": "member admin",
    "may_watch": "web",
    "minutes_inside": None,
    "name_host": None,
    "names_of_us": "member admin",
    "next_order_number": "worker",
    "note_domain": None,
    "private_meetings": None,
    "project_access": "worker",
    "project_membership": None,
    "propose_transfer": "member admin",
    "public_programme": "anonymous member admin",
    "queue_standing": "admin worker",
    "read_invitation": "anonymous member admin",
    "remove_member": "member admin",
    "renew_invitation": "member admin",
    "revoke_invitation": "member admin",
    "release_places": "worker",
    "rename_host": None,
    "requests_of": "member admin",
    "rolls": "web member admin",
    "runs_family": None,
    "runs_meeting": None,
    "seat_by_token": None,
    "seat_past_parties": None,
    "set_family_seats": "admin",
    "settle": "worker",
    "sign_up_to_family": "anonymous member admin",
    "slow_statements": "admin",
    "still_here": "member admin",
    "take_back_invitation": "member admin",
    "take_over_family": "worker",
    "tell_access_cut": None,
    "tell_ended": None,
    "tend_line": "admin worker",
    "undo_removal": "member admin",
    "unseat": None,
    "waiting_position": "member admin",
    "welcome": "anonymous worker",
    "worker_heartbeat": "web worker admin",
}


def test_every_door_past_the_policies_is_known_with_its_callers(backstage):
    doors = backstage.execute("""
        select case when pronamespace = 'auth'::regnamespace then 'auth.' else '' end || proname,
               (select string_agg(substr(grantee::regrole::text, 8), ' ' order by grantee::regrole::text)
                  from aclexplode(proacl) where grantee <> proowner)
          from pg_proc where prosecdef and pronamespace::regnamespace::text in ('public', 'auth')
    """).fetchall()
    expected = {name: callers and " ".join(sorted(callers.split())) for name, callers in DOORS.items()}
    assert dict(doors) == expected
    assert len(doors) == len(expected), "two of one name"


def test_every_door_is_pinned_owned_and_closed_to_the_public(backstage):
    loose = backstage.execute("""
        select oid::regprocedure from pg_proc
         where prosecdef and pronamespace::regnamespace::text not in ('pg_catalog', 'information_schema')
           and (proowner::regrole::text <> case when proname in ('open_connections', 'slow_statements') then 'portal_monitor'
                                                else 'portal_definer' end or proconfig is distinct from '{"search_path=\\"\\""}'
                or proacl is null or exists (select from aclexplode(proacl) where grantee = 0))
    """)
    assert loose.fetchall() == []
