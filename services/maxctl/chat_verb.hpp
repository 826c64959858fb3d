// maxctl chat mute | chat resume: the bot's silence in one chat.
#pragma once

#include "services/maxctl/verb.hpp"

namespace mx::maxctl {

int chat_mute(const Call& call);
int chat_resume(const Call& call);

}  // namespace mx::maxctl
