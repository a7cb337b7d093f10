"""Builds a snapshot: the settings, and the catalog, router and compiled hooks that follow from them."""

import random
from collections.abc import Mapping

import msgspec
import structlog

from gateway.access.aliases import Aliases
from gateway.access.checks import AccessChecks
from gateway.access.client_choices import ClientChoices
from gateway.access.gate import Gate, build_gate
from gateway.access.models import ModelLists, ModelNames
from gateway.access.pass_through import PassThroughChecks
from gateway.access.tool_policies import join_policies
from gateway.admission.hookimpls import AdmissionHooks
from gateway.admission.options import build_ledger_options
from gateway.catalog.added import AddedModels
from gateway.catalog.builder import build_catalog
from gateway.catalog.catalog import Catalog
from gateway.catalog.mcp_names import find_taken_names
from gateway.catalog.naming import find_family
from gateway.catalog.pass_throughs import PassThroughs, build_pass_throughs
from gateway.catalog.price_book import PriceBook, load_price_book
from gateway.catalog.price_terms import build_terms
from gateway.composition.authentication import build_authentication, build_signing
from gateway.composition.own_paths import OWN_PATHS
from gateway.composition.public_address import OwnAddress
from gateway.db.sealing import Tokens
from gateway.guardrails.build import add_guardrails, build_guardrails
from gateway.guardrails.choice import Installed
from gateway.guardrails.hookimpls import GuardrailHooks
from gateway.guardrails.policies.book import EMPTY_BOOK, PolicyBook, build_book
from gateway.hooks import HookUse, PluginServices
from gateway.hooks.registry import load_plugins
from gateway.identity.build import build_user_defaults
from gateway.identity.keys.defaults import build_key_defaults
from gateway.identity.newcomers import build_newcomer_defaults
from gateway.identity.signed import TokenSigning
from gateway.identity.subject_build import build_subject_defaults
from gateway.routing.cooldown import Cooldowns
from gateway.routing.router import Router
from gateway.runtime import Authentication, CoreRules, Parts, Snapshot
from gateway.settings import Settings
from gateway.settings.mcp_servers import configured_servers
from gateway.settings.pass_through import PASS_THROUGHS
from gateway.upstream.dialect import CallBounds

__all__ = ["add_models", "apply_snapshot", "build_snapshot", "with_variables"]

_MEGABYTE = 1024 * 1024


def build_snapshot(
    settings: Settings, environ: Mapping[str, str], parts: Parts, cooldowns: Cooldowns
) -> Snapshot:
    """Build what a reload replaces; raises ConfigError or PluginError and changes nothing."""
    book = load_price_book(settings)
    catalog = build_catalog(
        settings, book, with_variables(settings, environ), parts.clock, parts.added.current
    )
    snapshot = _assemble(settings, catalog, parts, cooldowns, None, parts.added.current)
    served = _pass_throughs(settings, with_variables(settings, environ), parts, parts.added.current)
    snapshot = _with_pass_throughs(snapshot, served, parts, parts.added.current)
    for path, reason in find_taken_names(configured_servers(settings.gatewright), OWN_PATHS):
        structlog.get_logger(__name__).warning("mcp_name_taken", path=path, reason=reason)
    # Last, when nothing can fail any more.
    apply_snapshot(snapshot, parts)
    return snapshot


def add_models(
    former: Snapshot,
    environ: Mapping[str, str],
    parts: Parts,
    added: AddedModels,
    settings: Settings | None = None,
    book: PriceBook | None = None,
) -> Snapshot:
    """The same configuration with what the database says now; changes nothing, so that any thread may.

    `settings` are the former ones with other settings of the database, if these have changed, and `book` the
    price book that was read anew. Plugins are the same objects, and else so is the book, on the settings'
    terms. Raises ConfigError where an item of
    the configuration can be built no more, as for want of a credential.
    """
    settings = settings or former.settings
    book = (book or former.catalog.price_book).with_terms(build_terms(settings.litellm))
    lent = with_variables(settings, environ)
    catalog = build_catalog(settings, book, lent, parts.clock, added, former.catalog)
    snapshot = _assemble(settings, catalog, parts, former.router.cooldowns, former, added)
    return _with_pass_throughs(snapshot, _pass_throughs(settings, lent, parts, added), parts, added)


def _pass_throughs(
    settings: Settings, environ: Mapping[str, str], parts: Parts, added: AddedModels
) -> PassThroughs:
    """Those of the configuration, and those that the database has. Raises ConfigError for the former."""
    stored = added.overlay.get("general_settings", {}).get(PASS_THROUGHS)
    return build_pass_throughs(settings.pass_throughs, stored, OWN_PATHS, parts.added.seal, environ)


def _with_pass_throughs(
    snapshot: Snapshot, served: PassThroughs, parts: Parts, added: AddedModels
) -> Snapshot:
    core, settings = snapshot.core, snapshot.settings
    checks = PassThroughChecks(parts.clock, settings.access, join_policies(added.tools).withheld)
    guarding = GuardrailHooks(core.guardrails, parts.clock, core.policies, parts.questions)
    plugins = snapshot.plugins.with_core(
        (*build_gate(settings.access), core.authentication, checks, core.admission, guarding),
        HookUse.PATHS,
    )
    return msgspec.structs.replace(snapshot, pass_throughs=served, pass_through_hooks=plugins.hooks)


def apply_snapshot(snapshot: Snapshot, parts: Parts) -> None:
    """Tell the parts that outlive a snapshot what has become of the settings; on the event loop."""
    settings = snapshot.settings
    parts.added.is_enabled = settings.general.store_model_in_db
    parts.mcp_stock.finding = settings.mcp_finding
    parts.mcp_stock.clients = settings.mcp_clients
    parts.principals.followers = snapshot.core.authentication.followers
    parts.principals.configure(build_user_defaults(settings.access))
    parts.subjects.configure(build_subject_defaults(settings.access))
    parts.audit.configure(is_on=settings.litellm.store_audit_logs)
    parts.keys.defaults.take_over(snapshot.key_defaults)
    parts.management.newcomers.take_over(snapshot.newcomers)
    _configure_budgets(snapshot.settings, snapshot.catalog, parts)


def _assemble(
    settings: Settings,
    catalog: Catalog,
    parts: Parts,
    cooldowns: Cooldowns,
    former: Snapshot | None,
    added: AddedModels,
) -> Snapshot:
    names = _model_names(catalog)
    authentication, signing = _recognize(settings, parts, former)
    choices, tools = ClientChoices(catalog.find), join_policies(added.tools)
    checks = AccessChecks(parts.clock, names, choices, settings.access, tools)
    guardrails = _set_up_guardrails(settings, added, former)
    admission = AdmissionHooks(parts.ledger) if parts.sharing is None else parts.sharing.build_hooks()
    policies = _set_up_policies(settings, added, former)
    guarding = GuardrailHooks(guardrails, parts.clock, policies, parts.questions)
    aliases = Aliases(catalog.team_models.names, catalog.aliases)
    core = (*build_gate(settings.access), authentication, aliases, checks, admission, guarding)
    rules = CoreRules(
        gate=Gate(settings.access),
        authentication=authentication,
        signing=signing,
        checks=checks,
        admission=admission,
        guardrails=guardrails,
        policies=policies,
    )
    router = _build_router(settings, parts, cooldowns)
    limits, body_bytes = settings.gatewright.limits, _limit_bodies(settings)
    if former is not None:
        return msgspec.structs.replace(
            former,
            settings=settings,
            body_bytes=body_bytes,
            catalog=catalog,
            router=router,
            plugins=former.plugins.with_core(core),
            core=rules,
            model_lists=ModelLists(names),
            key_defaults=build_key_defaults(settings),
            newcomers=build_newcomer_defaults(settings),
        )
    plugins = load_plugins(settings.gatewright.plugins, core, services=_lend(settings, parts))
    return Snapshot(
        settings=settings,
        catalog=catalog,
        router=router,
        plugins=plugins,
        pass_throughs=PassThroughs(),
        pass_through_hooks=plugins.hooks,
        core=rules,
        model_lists=ModelLists(names),
        bounds=CallBounds(limits.response_bytes, limits.stream_seconds),
        body_bytes=body_bytes,
        key_defaults=build_key_defaults(settings),
        newcomers=build_newcomer_defaults(settings),
    )


def _recognize(
    settings: Settings, parts: Parts, former: Snapshot | None
) -> tuple[Authentication, TokenSigning | None]:
    """How callers are known, kept with what that remembers as long as the configuration stays."""
    if former is not None and former.settings is settings:
        return former.core.authentication, former.core.signing
    signing = build_signing(settings, parts)
    return build_authentication(settings, parts, signing), signing


def _lend(settings: Settings, parts: Parts) -> PluginServices:
    """What plugins get that ask for it."""
    return PluginServices(
        clock=parts.clock,
        forwarder=parts.clients,
        guarded_forwarder=parts.clients.guarded,
        sealing=Tokens(parts.added.seal),
        closing=parts.closings,
        mcp=parts.mcp_stock,
        public=OwnAddress(parts.logins, settings.environment.server_root_path),
        vouchers=parts.vouchers,
        models=parts.questions,
        inside=parts.inside,
        workers=parts.colleagues,
        keeping=parts.kept,
    )


def _build_router(settings: Settings, parts: Parts, cooldowns: Cooldowns) -> Router:
    return Router(
        settings.router,
        parts.clock,
        random.Random(),  # noqa: S311  it spreads load
        cooldowns=cooldowns,
        is_spent=parts.ledger.places.is_spent,
    )


def _limit_bodies(settings: Settings) -> int:
    """How many bytes the body of a request has at most."""
    megabytes = settings.general.max_request_size_mb
    return int(megabytes * _MEGABYTE) if megabytes else settings.gatewright.limits.body_bytes


def _set_up_guardrails(
    settings: Settings, added: AddedModels, former: Snapshot | None
) -> tuple[Installed, ...]:
    """Those of the configuration, built once, and those of the database, built when their rows change."""
    if former is None:
        return add_guardrails(build_guardrails(settings.guardrails), added.guardrails)
    configured = [item for item in former.core.guardrails if item.row is None]
    return add_guardrails(configured, added.guardrails, former.core.guardrails)


def _set_up_policies(settings: Settings, added: AddedModels, former: Snapshot | None) -> PolicyBook:
    """Those of the configuration, and those of the database."""
    book = EMPTY_BOOK if former is None else former.core.policies
    attachments = settings.policy_attachments
    return build_book(settings.policies, attachments, added.policies, added.attachments, book)


def _configure_budgets(settings: Settings, catalog: Catalog, parts: Parts) -> None:
    deployments = (*catalog.deployments(), *catalog.wildcard_deployments())
    have_deployments = any(item.budget_nanos is not None for item in deployments)
    providers, groups = settings.router.provider_budgets, settings.router.access_group_budgets
    parts.ledger.configure(build_ledger_options(settings))
    parts.ledger.places.configure(providers, groups, have_deployments=have_deployments)
    parts.standing.configure(settings, have_places=have_deployments or bool(providers) or bool(groups))


def with_variables(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment with the file's section `environment_variables`, which wins."""
    return {**environ, **{name: secret.reveal() for name, secret in settings.variables.items()}}


def _model_names(catalog: Catalog) -> ModelNames:
    def groups_of(model: str) -> frozenset[str]:
        group = catalog.find(model)
        return (
            frozenset(name for item in group.deployments for name in item.access_groups)
            if group
            else frozenset()
        )

    def providers_of(model: str) -> frozenset[str]:
        group, family = catalog.find(model), find_family(model)
        providers = {item.provider for item in group.deployments} if group else set[str]()
        return frozenset(providers | {family.prefix} if family else providers)

    return ModelNames(groups_of, providers_of)
