"""Addresses of the door, one's own account, colleagues and the parts of the house.

Of allauth's pages only those are here that a house without open sign-up needs.
"""

from __future__ import annotations

from allauth.account import views as allauth
from django.urls import URLPattern, URLResolver, include, path, re_path

from heard.staff.views import door, house, keys, people, profile

entrance: list[URLPattern | URLResolver] = [
    path("login/", door.sign_in, name="account_login"),
    path("link/<str:token>/", door.signin_link, name="signin_link"),
    path("login/code/", allauth.request_login_code, name="account_request_login_code"),
    path("login/code/confirm/", allauth.confirm_login_code, name="account_confirm_login_code"),
    path("logout/", allauth.logout, name="account_logout"),
    path("inactive/", allauth.account_inactive, name="account_inactive"),
    path("signup/", allauth.signup, name="account_signup"),
    path("reauthenticate/", allauth.reauthenticate, name="account_reauthenticate"),
    path("password/change/", allauth.password_change, name="account_change_password"),
    path("password/set/", allauth.password_set, name="account_set_password"),
    path("password/reset/", allauth.password_reset, name="account_reset_password"),
    path("password/reset/done/", allauth.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        allauth.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        allauth.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("2fa/", include("allauth.mfa.urls")),
    path("sessions/", include("allauth.usersessions.urls")),
]

settings: list[URLPattern | URLResolver] = [
    path("", profile.settings_home, name="settings"),
    path("profile/", profile.profile, name="settings_profile"),
    path("keys/", keys.keys, name="settings_keys"),
    path("keys/<int:number>/revocation/", keys.revoke_key, name="settings_revoke_key"),
    path("people/", people.people, name="settings_people"),
    path("people/new/", people.invite_person, name="settings_invite"),
    path("people/<int:number>/", people.person, name="settings_person"),
    path("people/<int:number>/link/", people.new_link, name="settings_person_link"),
    path("people/<int:number>/return/", people.readmit_person, name="settings_readmit"),
    path("house/", house.house, name="settings_house"),
    path("house/brands/new/", house.brand, name="settings_new_brand"),
    path("house/brands/<int:number>/", house.brand, name="settings_brand"),
    path("house/places/new/", house.place, name="settings_new_place"),
    path("house/places/<int:number>/", house.place, name="settings_place"),
    path("teams/", house.teams, name="settings_teams"),
    path("teams/new/", house.team, name="settings_new_team"),
    path("teams/<int:number>/", house.team, name="settings_team"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/", include(entrance)),
    path("settings/", include(settings)),
]
