"""The full shape of every object, with the values a plain account has; the makers only say what differs."""

import copy
import json
from typing import Any

Body = dict[str, Any]  # JSON, of any shape


def _shape(nulls: str, **fields: Any) -> Body:  # JSON, of any shape
    return dict.fromkeys(nulls.split()) | fields


def _off(nulls: str = "disabled_reason liability") -> Body:
    return _shape(nulls, enabled=False)


SELF = {"type": "self"}
NO_ADDRESS = _shape("city country line1 line2 postal_code state")
NO_BILLING = _shape("email name phone tax_id", address=NO_ADDRESS)

SHAPES: dict[str, Body] = {
    "customer": _shape(
        "address currency customer_account default_source description discount email name phone shipping test_clock",
        balance=0,
        delinquent=False,
        invoice_prefix="",
        invoice_settings=_shape("custom_fields default_payment_method footer rendering_options"),
        livemode=False,
        metadata={},
        next_invoice_sequence=1,
        preferred_locales=[],
        tax_exempt="none",
    ),
    "product": _shape(
        "default_price description package_dimensions shippable statement_descriptor tax_code unit_label url",
        active=True,
        images=[],
        livemode=False,
        marketing_features=[],
        metadata={},
        type="service",
    ),
    "price": _shape(
        "custom_unit_amount lookup_key nickname recurring tiers_mode transform_quantity",
        active=True,
        billing_scheme="per_unit",
        livemode=False,
        metadata={},
        tax_behavior="unspecified",
        type="one_time",
    ),
    "payment_method": _shape(
        "customer customer_account",
        allow_redisplay="limited",
        billing_details=NO_BILLING,
        livemode=False,
        metadata={},
        type="card",
    ),
    "checkout.session": _shape(
        "after_expiration allow_promotion_codes billing_address_collection cancel_url client_reference_id client_secret "
        "collected_information consent consent_collection currency_conversion customer customer_account "
        "customer_creation customer_details customer_email invoice invoice_creation locale origin_context "
        "payment_intent payment_link payment_method_configuration_details permissions recovered_from "
        "saved_payment_method_options setup_intent shipping_address_collection shipping_cost submit_type subscription "
        "success_url wallet_options amount_subtotal amount_total currency",
        adaptive_pricing={"enabled": False},
        automatic_tax=_shape("liability provider status", enabled=False),
        custom_fields=[],
        custom_text=_shape("after_submit shipping_address submit terms_of_service_acceptance"),
        discounts=[],
        livemode=False,
        metadata={},
        mode="subscription",
        payment_method_collection="always",
        payment_method_options={},
        payment_method_types=["card"],
        payment_status="unpaid",
        phone_number_collection={"enabled": False},
        shipping_options=[],
        status="open",
        total_details={"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        ui_mode="hosted_page",
    ),
    "item": _shape("", amount_discount=0, amount_tax=0, discounts=[], metadata={}),
    "subscription": _shape(
        "application application_fee_percent billing_cycle_anchor_config billing_thresholds cancel_at canceled_at "
        "customer_account days_until_due default_payment_method default_source description ended_at latest_invoice "
        "next_pending_invoice_item_invoice on_behalf_of pause_collection pending_invoice_item_interval "
        "pending_setup_intent pending_update schedule status_details test_clock transfer_data trial_end trial_start",
        automatic_tax=_off(),
        billing_mode={"type": "flexible", "flexible": {"proration_discounts": "included"}},
        billing_schedules=[],
        cancel_at_period_end=False,
        cancellation_details=_shape("comment feedback reason"),
        collection_method="charge_automatically",
        default_tax_rates=[],
        discounts=[],
        invoice_settings={"account_tax_ids": None, "issuer": SELF},
        livemode=False,
        metadata={},
        payment_settings=_shape("payment_method_options payment_method_types", save_default_payment_method="off"),
        trial_settings={"end_behavior": {"missing_payment_method": "create_invoice"}},
    ),
    "subscription_item": _shape("billing_thresholds", discounts=[], metadata={}, quantity=1, tax_rates=[]),
    "invoice": _shape(
        "account_tax_ids application automatically_finalizes_at custom_fields customer_account customer_address "
        "customer_email customer_name customer_phone customer_shipping default_payment_method default_source "
        "description due_date effective_at ending_balance footer from_invoice hosted_invoice_url invoice_pdf "
        "last_finalization_error latest_revision next_payment_attempt number on_behalf_of parent receipt_number "
        "rendering shipping_cost shipping_details statement_descriptor status_details test_clock webhooks_delivered_at",
        account_country="DE",
        account_name="Sandbox",
        amount_overpaid=0,
        amount_paid=0,
        amount_paid_off_stripe=0,
        amount_shipping=0,
        attempt_count=0,
        attempted=False,
        auto_advance=True,
        automatic_tax=_shape("disabled_reason liability provider status", enabled=False),
        billing_reason="manual",
        collection_method="charge_automatically",
        customer_tax_exempt="none",
        customer_tax_ids=[],
        default_tax_rates=[],
        discounts=[],
        issuer=SELF,
        livemode=False,
        metadata={},
        payment_settings=_shape("default_mandate payment_method_options payment_method_types"),
        post_payment_credit_notes_amount=0,
        pre_payment_credit_notes_amount=0,
        starting_balance=0,
        status="draft",
        status_transitions=_shape("finalized_at marked_uncollectible_at paid_at voided_at"),
        total_discount_amounts=[],
        total_pretax_credit_amounts=[],
        total_taxes=[],
    ),
    "line_item": _shape(
        "invoice subscription",
        discount_amounts=[],
        discountable=True,
        discounts=[],
        livemode=False,
        metadata={},
        pretax_credit_amounts=[],
        quantity=1,
        taxes=[],
    ),
    "invoice_payment": _shape(
        "amount_paid", is_default=True, livemode=False, status="open", status_transitions=_shape("canceled_at paid_at")
    ),
    "payment_intent": _shape(
        "application application_fee_amount automatic_payment_methods canceled_at cancellation_reason customer "
        "customer_account description excluded_payment_method_types last_payment_error latest_charge next_action "
        "on_behalf_of payment_method payment_method_configuration_details processing receipt_email review "
        "setup_future_usage shipping statement_descriptor statement_descriptor_suffix transfer_data transfer_group",
        amount_capturable=0,
        amount_details={"tip": {}},
        amount_received=0,
        capture_method="automatic",
        confirmation_method="automatic",
        livemode=False,
        metadata={},
        payment_method_options={},
        payment_method_types=["card"],
        status="requires_payment_method",
    ),
    "setup_intent": _shape(
        "application automatic_payment_methods cancellation_reason customer customer_account description "
        "excluded_payment_method_types flow_directions last_setup_error latest_attempt mandate next_action on_behalf_of "
        "payment_method payment_method_configuration_details single_use_mandate",
        livemode=False,
        metadata={},
        payment_method_options={},
        payment_method_types=["card"],
        status="succeeded",
        usage="off_session",
    ),
    "charge": _shape(
        "application application_fee application_fee_amount balance_transaction customer description "
        "failure_balance_transaction failure_code failure_message on_behalf_of payment_intent payment_method "
        "receipt_email receipt_number receipt_url review shipping source_transfer statement_descriptor "
        "statement_descriptor_suffix transfer_data transfer_group",
        amount_refunded=0,
        billing_details=NO_BILLING,
        calculated_statement_descriptor="SANDBOX",
        captured=True,
        disputed=False,
        fraud_details={},
        livemode=False,
        metadata={},
        radar_options={},
        refunded=False,
    ),
    "refund": _shape(
        "balance_transaction charge customer payment_intent payment_method reason receipt_number "
        "source_transfer_reversal transfer_reversal",
        destination_details={
            "type": "card",
            "card": {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"},
        },
        metadata={},
        status="succeeded",
    ),
    "dispute": _shape(
        "payment_intent",
        balance_transactions=[],
        enhanced_eligibility_types=[],
        evidence=_shape(
            "access_activity_log billing_address cancellation_policy cancellation_policy_disclosure "
            "cancellation_rebuttal customer_communication customer_email_address customer_name customer_purchase_ip "
            "customer_signature duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id "
            "product_description receipt refund_policy refund_policy_disclosure refund_refusal_explanation "
            "service_date service_documentation shipping_address shipping_carrier shipping_date "
            "shipping_documentation shipping_tracking_number uncategorized_file uncategorized_text",
            enhanced_evidence={},
        ),
        is_charge_refundable=False,
        livemode=False,
        metadata={},
        reason="fraudulent",
        status="needs_response",
    ),
    "balance_transaction": _shape(
        "description exchange_rate", balance_type="payments", fee=0, fee_details=[], status="available"
    ),
    "event": _shape("", livemode=False),
    "webhook_endpoint": _shape("application description", livemode=False, metadata={}, status="enabled"),
    "subscription_schedule": _shape(
        "application canceled_at completed_at current_phase customer_account released_at released_subscription "
        "test_clock",
        billing_mode={"type": "flexible", "flexible": {"proration_discounts": "included"}},
        default_settings=_shape(
            "application_fee_percent billing_thresholds default_payment_method description on_behalf_of transfer_data",
            automatic_tax=_off(),
            billing_cycle_anchor="automatic",
            collection_method="charge_automatically",
            invoice_settings={"account_tax_ids": None, "days_until_due": None, "issuer": SELF},
        ),
        end_behavior="release",
        livemode=False,
        metadata={},
        status="active",
    ),
    "phase": _shape(
        "application_fee_percent billing_cycle_anchor billing_thresholds collection_method default_payment_method "
        "description invoice_settings on_behalf_of transfer_data trial_end",
        add_invoice_items=[],
        automatic_tax=_off(),
        default_tax_rates=[],
        discounts=[],
        metadata={},
        proration_behavior="create_prorations",
    ),
    "billing_portal.configuration": _shape(
        "application default_return_url name",
        active=True,
        business_profile=_shape("headline privacy_policy_url terms_of_service_url"),
        features={
            "customer_update": {"allowed_updates": [], "enabled": False},
            "invoice_history": {"enabled": True},
            "payment_method_update": {"enabled": True, "payment_method_configuration": None},
            "subscription_cancel": {
                "cancellation_reason": {"enabled": False, "options": []},
                "enabled": True,
                "mode": "at_period_end",
                "proration_behavior": "none",
            },
            "subscription_update": {
                "billing_cycle_anchor": None,
                "default_allowed_updates": [],
                "enabled": False,
                "products": [],
                "proration_behavior": "none",
                "schedule_at_period_end": {"conditions": []},
                "trial_update_behavior": "end_trial",
            },
        },
        is_default=True,
        livemode=False,
        login_page={"enabled": False, "url": None},
        metadata={},
    ),
    "billing_portal.session": _shape("customer_account flow locale on_behalf_of return_url", livemode=False),
}

PREFIXES = {
    "customer": "cus_",
    "product": "prod_",
    "price": "price_",
    "payment_method": "pm_",
    "checkout.session": "cs_test_",
    "item": "li_",
    "subscription": "sub_",
    "subscription_item": "si_",
    "invoice": "in_",
    "line_item": "il_",
    "invoice_payment": "inpay_",
    "payment_intent": "pi_",
    "setup_intent": "seti_",
    "charge": "ch_",
    "refund": "re_",
    "dispute": "du_",
    "balance_transaction": "txn_",
    "event": "evt_",
    "webhook_endpoint": "we_",
    "subscription_schedule": "sub_sched_",
    "billing_portal.configuration": "bpc_",
    "billing_portal.session": "bps_",
    "invoiceitem": "ii_",
}

_WITHOUT_CREATED = {"item", "line_item", "phase"}


def shape(kind: str, id: str, at: int) -> Body:
    """A new object of this kind, complete but for what its maker knows."""
    created = {} if kind in _WITHOUT_CREATED else {"created": at}
    return {"id": id, "object": kind, **created, **copy.deepcopy(SHAPES[kind])}


LINES = 10  # so many come along with an invoice


def listed(data: list[Body], url: str, has_more: bool = False) -> Body:
    """The shape of every list."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def shown(body: Body) -> Body:
    """A copy of an object as it stands, without what the stand-in keeps to itself (names that begin with _). With an invoice
    come its first ten lines.
    """
    copy: Body = json.loads(json.dumps({k: v for k, v in body.items() if not k.startswith("_")}))
    if copy.get("object") == "invoice" and len(copy["lines"]["data"]) > LINES:
        copy["lines"] |= {"data": copy["lines"]["data"][:LINES], "has_more": True}
    return copy
