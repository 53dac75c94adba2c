"""Root URL configuration."""

from allauth.account.decorators import secure_admin_login
from allauth.account.views import logout
from csp.decorators import csp_update
from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from ratings.accounts.sessions import may_administer

admin.site.has_permission = may_administer  # type: ignore[method-assign]
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # the second factor counts there, too
handler429 = "ratings.accounts.views.too_many"  # of allauth's limits

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/logout/", logout),  # so that a guest whose ratings were not added is this browser's guest again there, too
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("ratings.urls")),
    path("account/", include("allauth.account.urls")),
    path("account/2fa/", include("allauth.mfa.urls")),
    path("account/sessions/", include("allauth.usersessions.urls")),
]
if settings.OIDC_ORIGIN:
    from allauth.socialaccount.providers.openid_connect import views as service

    # The only page whose form leads to another site.
    page = csp_update({"form-action": settings.OIDC_ORIGIN})(service.login)
    urlpatterns += [
        path("account/social/", include("allauth.socialaccount.urls")),
        path("account/service/<provider_id>/login/", page, name="openid_connect_login"),
        path("account/service/<provider_id>/login/callback/", service.callback, name="openid_connect_callback"),
    ]
