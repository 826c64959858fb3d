// Header tables: from ours to the library's, and from a delivery's to ours.
#pragma once

#include <amqp.h>
#include <amqp_framing.h>

#include <vector>

#include "common/amqp/message.hpp"

namespace mx::amqp {

/// The entries point into `headers`, which must outlive them.
std::vector<amqp_table_entry_t> table_entries(const HeaderTable& headers);
amqp_table_entry_t text_entry(const char* key, std::string_view text);
amqp_table_entry_t number_entry(const char* key, std::int64_t number);
amqp_table_entry_t flag_entry(const char* key, bool flag);

/// What a delivery says about itself; its views point into the library's memory. A message may carry any kind
/// of field: what is not a scalar is left out, and a known header of an unexpected kind counts as absent.
Delivery describe(const amqp_basic_deliver_t& deliver, const amqp_basic_properties_t& properties,
                  std::string_view body);

}  // namespace mx::amqp
